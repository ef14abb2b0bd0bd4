"""Which key does what: the table of verbs as the window, the terminal and the page read it."""

import time
from collections.abc import Callable, Container
from typing import NamedTuple

from realtime.control.state import SettingsStore
from realtime.control.verbs import ACTIONS, GUEST_VERBS, VERBS


class Hotkey(NamedTuple):
    """Keys that do the same thing: their verb (None if they have none) and their label."""

    keys: tuple[str, ...]
    verb: str | None
    label: str


FULLSCREEN = "f"
"""Has no verb: only the window and the page can fill a screen, and each does it itself."""


def _hotkeys() -> tuple[Hotkey, ...]:
    rows = [Hotkey(action.keys, action.name, action.label) for action in ACTIONS]
    before_help = [row.verb for row in rows].index("help")
    rows.insert(before_help, Hotkey((FULLSCREEN,), None, "full screen"))
    return tuple(rows)


HOTKEYS: tuple[Hotkey, ...] = _hotkeys()

KEYS: dict[str, str] = {key: row.verb for row in HOTKEYS if row.verb for key in row.keys}


def legend(verbs: Container[str | None] = (None, *VERBS)) -> list[tuple[str, str]]:
    """The table for people: keys and what they do, with the nine style keys in one row.

    Only `verbs` are shown; None stands for what has no verb.
    """
    rows = []
    for row in HOTKEYS:
        if row.verb not in verbs:
            continue
        if row.verb == "style-1":
            rows.append(("1 - 9", "style by number"))
        elif not (row.verb or "").startswith("style-"):
            rows.append(("  ".join(row.keys), row.label))
    return rows


def apply_hotkey(box: SettingsStore, key: str) -> None:
    """Apply the verb of the key called `key`; a key without a verb does nothing."""
    verb = KEYS.get(key.lower())
    if verb is not None:
        box.apply(VERBS[verb])


class LockedKeys:
    """The keys of a kiosk: those of a guest only, until `pin` was typed (None: never).

    For `OPEN_FOR` s after that, and after each key from then on, all of them work. One thread
    uses it.
    """

    OPEN_FOR = 60.0

    def __init__(
        self,
        box: SettingsStore,
        pin: str | None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._box, self._pin, self._clock = box, pin, clock
        self._typed = ""
        self._open_until = clock()

    def __call__(self, key: str) -> None:
        now = self._clock()
        if self._pin is not None and key.isdigit():
            self._typed = (self._typed + key)[-len(self._pin) :]
            if self._typed == self._pin:
                self._open_until = now + self.OPEN_FOR
        if now < self._open_until:
            self._open_until = now + self.OPEN_FOR
        elif KEYS.get(key.lower()) not in GUEST_VERBS:
            return
        apply_hotkey(self._box, key)
