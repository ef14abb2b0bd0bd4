"""What a user changes during a run: one frozen value, and the verbs that make the next one.

Both the keys and the web page use these verbs. The pipeline reads the settings once per frame, so
it never sees half a change.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

View = Literal["styled", "original", "split"]
VIEWS: tuple[View, ...] = ("styled", "original", "split")


@dataclass(frozen=True, slots=True)
class Settings:
    """`styles` is the catalogue's order; `style` is one of them. `strength` is in 0..1.

    `smoothing` in 0..1 is how long the painting stays where nothing moves; None means what suits
    the run: live some, from files into files none.

    `snapshots` counts how many were asked for, so that each is taken exactly once.
    """

    styles: tuple[str, ...]
    style: str
    strength: float = 1.0
    smoothing: float | None = None
    view: View = "styled"
    mirror: bool = False
    paused: bool = False
    help: bool = False
    recording: bool = False
    snapshots: int = 0
    quit: bool = False


Verb = Callable[[Settings], Settings]


class SettingsStore:
    """The one current value, always replaced as a whole. Any thread may read it or apply a verb.

    So may a signal handler, even one that interrupts `apply` itself.
    """

    def __init__(self, settings: Settings) -> None:
        self._lock = threading.RLock()
        self._settings = settings

    @property
    def current(self) -> Settings:
        return self._settings

    def apply(self, verb: Verb) -> Settings:
        with self._lock:
            while True:
                before = self._settings
                after = verb(before)
                # The lock keeps other threads out, but not a signal handler in this thread.
                if self._settings is before:
                    self._settings = after
                    return after
