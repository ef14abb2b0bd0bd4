"""What a user changes during a run: one frozen value, and the verbs that make the next one.

Both the keys and the web page use these verbs. The pipeline reads the settings once per frame, so
it never sees half a change.
"""

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

View = Literal["styled", "original", "split"]
VIEWS: tuple[View, ...] = ("styled", "original", "split")


@dataclass(frozen=True, slots=True)
class Settings:
    """`styles` is the catalogue's order; `style` is one of them. `strength` is in 0..1.
    Those in `refused` could not be loaded: steps go past them, but by name or number they can be
    tried again. Mixtures that could not be made are there too, by their own name.

    `blend_with` is a second style, which has the share `blend` (0..1) of a mixture with the first.
    `smoothing` in 0..1 is how long the painting stays where nothing moves, `scale` the painted size
    against the output; None means what suits the run. `shuffle` is the time in s after which
    another style is taken by chance; 0 means never. `enhance` in 0..1 sharpens the finished
    picture, `zoom` of 1 or more cuts its middle out of the frame, `rotation` is in degrees
    clockwise.

    `mirror` is for every output, `mirror_own` for window and page only. `paused` holds the shown
    picture, `frozen` the source's: styles still change it. `blank` shows nothing of the source.

    `snapshots` counts how many were asked for, so that each is taken exactly once.
    """

    styles: tuple[str, ...]
    style: str
    refused: tuple[str, ...] = ()
    blend_with: str | None = None
    blend: float = 0.5
    shuffle: float = 0.0
    strength: float = 1.0
    preserve_colours: bool = False
    scale: float | None = None
    smoothing: float | None = None
    enhance: float = 0.0
    zoom: float = 1.0
    rotation: int = 0
    view: View = "styled"
    mirror: bool = False
    mirror_own: bool = False
    frozen: bool = False
    blank: bool = False
    paused: bool = False
    help: bool = False
    recording: bool = False
    snapshots: int = 0
    quit: bool = False

    @property
    def look(self) -> str:
        """What should paint: the style, or the name of its mixture with `blend_with`."""
        if self.blend_with is None:
            return self.style
        return mixture_name(self.style, self.blend_with, self.blend)


Verb = Callable[[Settings], Settings]


def with_styles(settings: Settings, styles: tuple[str, ...]) -> Settings:
    """Other styles to choose from. The one that paints now stays among them."""
    if settings.style not in styles:
        place = settings.styles.index(settings.style)
        styles = (*styles[:place], settings.style, *styles[place:])
    mixed = settings.blend_with if settings.blend_with in styles else None
    return replace(settings, styles=styles, blend_with=mixed)


MIXTURE = re.compile(r"(?P<first>[^+@]+)\+(?P<second>[^+@]+)@(?P<percent>\d+)")
MIXTURE_STEP = 5
"""Percent: a finer mixture would look the same, and each takes its time to load."""


def mixture_name(first: str, second: str, share: float) -> str:
    """The name of a mixture of two styles, like "mosaic+woodcut@25": a quarter is woodcut.

    Where one of them has everything, it is that style's own name.
    """
    percent = round(share * 100 / MIXTURE_STEP) * MIXTURE_STEP
    if first == second or percent == 0:
        return first
    return second if percent == 100 else f"{first}+{second}@{percent}"


def cannot_mix(settings: Settings, second: str) -> bool:
    """Whether a mixture of the style with `second` could not be made before, in any share."""
    mixtures = (MIXTURE.fullmatch(name) for name in settings.refused)
    pair = (settings.style, second)
    return any(found is not None and found.group("first", "second") == pair for found in mixtures)


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
