"""Holds a target frame rate by painting at a smaller scale, finally with a lighter generator.

This module knows only frame times and a clock; it never sees a picture.

Painting a frame takes about a + b·scale². The newest times decide whether a smaller scale is
needed and whether a larger one would be fast enough. The two thresholds are far enough apart that
noise does not make the scale oscillate. How much a lighter generator saves is measured once it
runs.
"""

import time
from collections import deque
from collections.abc import Callable
from statistics import median

SCALES = (1.0, 0.85, 0.7, 0.6, 0.5, 0.4)
TOO_SLOW = 0.92
"""Painting gets smaller if the median time exceeds this share of a frame's time budget."""
FAST_ENOUGH = 0.75
"""A step up is taken only if its expected time is below this share of the budget."""
WINDOW = 15
"""Number of newest times that are kept; a step up needs all of them."""
STEP_DOWN_SAMPLES = 7
"""Number of times that suffice for a step down: viewers notice at once that it is too slow."""
MINIMUM_INTERVAL = 1.0
"""Minimum seconds between two changes."""


class AdaptiveScale:
    """Chooses from SCALES so that painting reaches `target` frames per second.

    If the smallest scale is still too slow, the last step is a `lighter` generator. To be used
    by one thread only.
    """

    def __init__(self, target: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        assert target > 0
        self._budget = 1 / target
        self._clock = clock
        self._times: deque[float] = deque(maxlen=WINDOW)
        self._step = 0
        self._next_change = clock()
        self._full_seconds = 0.0
        self._speed_up: float | None = None
        self.lighter = False
        self.reached_fps: float | None = None

    @property
    def scale(self) -> float:
        """Factor for both sides of the painted picture, in (0, 1]."""
        return SCALES[self._step]

    def record(self, seconds: float, *, has_lighter: bool = False) -> bool:
        """Record how long a frame took; return whether `scale` or `lighter` changed.

        `has_lighter` says whether there is a lighter generator. If the target cannot be held and
        no step is left, `reached_fps` is the frame rate that is reached; otherwise it is None.
        """
        self._times.append(seconds)
        wanted = self._wanted(has_lighter)
        if wanted == (self._step, self.lighter) or self._clock() < self._next_change:
            return False
        self.reached_fps = None
        if wanted[1] != self.lighter:
            self._full_seconds, self._speed_up = median(self._times), None
        self._step, self.lighter = wanted
        self._next_change = self._clock() + MINIMUM_INTERVAL
        self._times.clear()
        return True

    def _wanted(self, has_lighter: bool) -> tuple[int, bool]:
        here = (self._step, self.lighter)
        if len(self._times) < STEP_DOWN_SAMPLES:
            return here
        usual = median(self._times)
        if self.lighter and self._speed_up is None:
            self._speed_up = max(1.0, self._full_seconds / max(usual, 1e-9))
        if usual > TOO_SLOW * self._budget:
            if self._step + 1 < len(SCALES):
                return self._step + 1, self.lighter
            if has_lighter and not self.lighter:
                return self._step, True
            self.reached_fps = 1 / usual if usual > self._budget else None
            return here
        self.reached_fps = None
        if len(self._times) < WINDOW:
            return here
        return self._upwards(usual)

    def _upwards(self, usual: float) -> tuple[int, bool]:
        """One step up if that leaves enough room: first from the lighter generator back."""
        room = FAST_ENOUGH * self._budget
        if self.lighter:
            return self._step, usual * (self._speed_up or 1.0) >= room
        if self._step == 0:
            return 0, False
        # Assumes that all of the time grows with the area. Some does not, so this estimate may be
        # too high, but never too low.
        larger = usual * (SCALES[self._step - 1] / self.scale) ** 2
        return (self._step - 1 if larger < room else self._step), False
