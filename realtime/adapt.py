"""Holds a frame rate by painting smaller or larger, at last by a lighter generator.

Knows times and a clock, nothing of pictures.

A frame's time is about a + b·scale². From the newest times follows whether a smaller scale is
needed, and whether a larger one would do; the two thresholds lie so far apart that noise between
them changes nothing. What a lighter generator saves is learned when it is taken.
"""

import time
from collections import deque
from collections.abc import Callable
from statistics import median

SCALES = (1.0, 0.85, 0.7, 0.6, 0.5, 0.4)
TOO_SLOW = 0.92
"""Share of the time for a frame above which it is painted smaller."""
WITH_ROOM = 0.75
"""Share that the next larger scale must be expected to stay below."""
NEWEST = 15
"""Times that a larger scale is judged by."""
ENOUGH = 7
"""Times that are enough for a smaller one: being too slow is seen at once by who watches."""
PAUSE = 1.0
"""Seconds from one change to the next, at least."""


class Adaptive:
    """Chooses from SCALES so that painting keeps up with `target` frames a second. One thread.

    Where the smallest is still too slow, a `lighter` generator is the last step.
    """

    def __init__(self, target: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        assert target > 0
        self._budget = 1 / target
        self._clock = clock
        self._times: deque[float] = deque(maxlen=NEWEST)
        self._step = 0
        self._next = clock()
        self._heavy = 0.0
        self._saving: float | None = None
        self.lighter = False
        self.reached: float | None = None

    @property
    def scale(self) -> float:
        """Share of the sides that is painted, in (0, 1]."""
        return SCALES[self._step]

    def painted(self, seconds: float, *, has_lighter: bool = False) -> bool:
        """Told what a frame took; whether `scale` or `lighter` changed.

        `has_lighter` says that there is a lighter generator to go to. Where no step is left and
        the target is not held, `reached` is the frames a second that are; else None.
        """
        self._times.append(seconds)
        wanted = self._wanted(has_lighter)
        if wanted == (self._step, self.lighter) or self._clock() < self._next:
            return False
        self.reached = None
        if wanted[1] != self.lighter:
            self._heavy, self._saving = median(self._times), None
        self._step, self.lighter = wanted
        self._next = self._clock() + PAUSE
        self._times.clear()
        return True

    def _wanted(self, has_lighter: bool) -> tuple[int, bool]:
        here = (self._step, self.lighter)
        if len(self._times) < ENOUGH:
            return here
        usual = median(self._times)
        if self.lighter and self._saving is None:
            self._saving = max(1.0, self._heavy / max(usual, 1e-9))
        if usual > TOO_SLOW * self._budget:
            if self._step + 1 < len(SCALES):
                return self._step + 1, self.lighter
            if has_lighter and not self.lighter:
                return self._step, True
            self.reached = 1 / usual if usual > self._budget else None
            return here
        self.reached = None
        if len(self._times) < NEWEST:
            return here
        return self._upwards(usual)

    def _upwards(self, usual: float) -> tuple[int, bool]:
        """One step up where it would leave room: first back to the generator itself."""
        room = WITH_ROOM * self._budget
        if self.lighter:
            return self._step, usual * (self._saving or 1.0) >= room
        if self._step == 0:
            return 0, False
        # As if all of it grew with the area: what does not makes the estimate too high, never low.
        larger = usual * (SCALES[self._step - 1] / self.scale) ** 2
        return (self._step - 1 if larger < room else self._step), False
