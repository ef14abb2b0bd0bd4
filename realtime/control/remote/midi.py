"""MIDI: pads and keys are verbs, knobs and sliders are values, program changes are styles."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from models.errors import StylecamError, UsageError, lookup
from realtime.control.remote import needs
from realtime.control.state import SettingsStore, Verb
from realtime.control.values import VALUES
from realtime.control.verbs import VERBS, pick_style

USUAL: dict[str, str] = {
    "note 36": "previous",
    "note 37": "next",
    "note 38": "original",
    "note 39": "split",
    "note 40": "freeze",
    "note 41": "blank",
    "note 42": "snapshot",
    "note 43": "record",
    "control 7": "strength",
    "control 1": "blend",
    "control 10": "zoom",
    "control 11": "smoothing",
    "control 74": "enhance",
}
"""What does what unless the config says otherwise: 36 is the first pad of most controllers, 7 the
volume, 1 the modulation wheel, 10 panorama, 11 expression, 74 brightness."""
VIRTUAL = "virtual"
"""The name of a port of our own, which other programs connect to."""
_CONTROL = re.compile(r"(note|control) (\d{1,3})")
LARGEST = 127


def checked_map(own: Mapping[str, str]) -> dict[str, str]:
    """The usual controls with the user's own, such as {"note 60": "mirror"}. Raises ValueError."""
    for control, what in own.items():
        match = _CONTROL.fullmatch(control)
        if match is None or int(match[2]) > LARGEST:
            raise ValueError(f"write {control!r} as note N or control N, with N up to {LARGEST}")
        numbers = {name for name, value in VALUES.items() if value.range}
        known = VERBS if match[1] == "note" else dict.fromkeys(numbers)
        try:
            lookup("verb" if match[1] == "note" else "setting", what, known)
        except UsageError as error:
            raise ValueError(f"{control}: {error}") from None
    return {**USUAL, **own}


def verb_of_midi(message: Any, table: Mapping[str, str]) -> Verb | None:
    """The verb that a mido message stands for; None if it has no meaning here.

    Knobs go from 0 to 127: these are the ends of the setting's range.
    """
    if message.type == "program_change":
        return lambda settings: pick_style(settings, message.program + 1)
    if message.type == "note_on" and message.velocity > 0:
        return VERBS.get(table.get(f"note {message.note}", ""))
    if message.type == "control_change":
        name = table.get(f"control {message.control}")
        if name is not None and (span := VALUES[name].range) is not None:
            low, high = span
            return VALUES[name].setter(round(low + (high - low) * message.value / LARGEST, 3))
    return None


class MidiInput:
    """A `Service`: applies what comes from a port to `box`. `port` is a part of its name."""

    def __init__(
        self,
        box: SettingsStore,
        port: str,
        table: Mapping[str, str],
        *,
        say: Callable[[str], None],
    ) -> None:
        self._box, self._port, self._table, self._say = box, port, table, say
        self._input: Any = None

    def start(self) -> None:
        """Open the port. Raises UsageError, with the names of those that exist."""
        try:
            import mido
            import rtmidi  # noqa: F401  mido would load it later
        except ImportError as error:
            raise needs("midi", error) from None
        try:
            if self._port == VIRTUAL:
                self._input = mido.open_input("stylecam", virtual=True, callback=self.heard)
                return
            names = mido.get_input_names()
            found = [name for name in names if self._port.lower() in name.lower()]
            if not found:
                there = ", ".join(names) or "there is none here"
                raise UsageError(f"midi: no port is called {self._port!r} (ports: {there})")
            self._input = mido.open_input(found[0], callback=self.heard)
        except UsageError:
            raise
        except Exception as error:  # RtMidi raises what its backends do
            reason = next(iter(str(error).splitlines()), type(error).__name__)
            raise UsageError(f"midi: {self._port} cannot be opened ({reason})") from None

    def stop(self) -> None:
        if self._input is not None:
            self._input.close()
            self._input = None

    def heard(self, message: Any) -> None:
        """Apply a mido message. Called by RtMidi's thread."""
        try:
            if (verb := verb_of_midi(message, self._table)) is not None:
                self._box.apply(verb)
        except StylecamError as error:
            self._say(f"midi: {error}")
