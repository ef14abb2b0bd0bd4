"""Keys of the whole desktop: Ctrl+Alt with a key of the table steers the run from any program."""

import os
from typing import Any

from models.errors import UsageError
from realtime.control.hotkeys import KEYS, apply_hotkey
from realtime.control.remote import needs
from realtime.control.state import SettingsStore

MODIFIERS = "<ctrl>+<alt>+"
NAMED = {"space": "<space>", "esc": "<esc>", "left": "<left>", "right": "<right>"}


def combinations() -> dict[str, str]:
    """Combinations as pynput writes them, to the keys of the table that they stand for."""
    return {MODIFIERS + NAMED.get(key, key): key for key in KEYS if key != "+"}


class GlobalKeys:
    """A `Service`: while it runs, the combinations work in every program of the desktop."""

    def __init__(self, box: SettingsStore) -> None:
        self._box = box
        self._listener: Any = None

    def start(self) -> None:
        """Listen. Raises UsageError where nothing would be heard."""
        if os.environ.get("WAYLAND_DISPLAY") or os.environ.get("XDG_SESSION_TYPE") == "wayland":
            raise UsageError(
                "hotkeys: Wayland gives no program the keys of others; give commands such as "
                "`stylecam ctl next` to shortcuts of the desktop"
            )
        try:
            from pynput import keyboard
        except ImportError as error:
            raise needs("hotkeys", error) from None
        actions = {
            combination: lambda key=key: apply_hotkey(self._box, key)
            for combination, key in combinations().items()
        }
        self._listener = keyboard.GlobalHotKeys(actions)
        self._listener.start()
        self._listener.wait()

    def stop(self) -> None:
        if self._listener is not None:
            self._listener.stop()
            self._listener = None
