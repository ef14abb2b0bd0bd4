"""Holds a frame rate by painting smaller or larger. Knows times and a clock, nothing of pictures.

A frame's time is about a + b·scale². From the newest times follows whether a smaller scale is
needed, and whether a larger one would do; the two thresholds lie so far apart that noise between
them changes nothing.
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
    """Chooses from SCALES so that painting keeps up with `target` frames a second. One thread."""

    def __init__(self, target: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        assert target > 0
        self._budget = 1 / target
        self._clock = clock
        self._times: deque[float] = deque(maxlen=NEWEST)
        self._step = 0
        self._next = clock()

    @property
    def scale(self) -> float:
        """Share of the sides that is painted, in (0, 1]."""
        return SCALES[self._step]

    def painted(self, seconds: float) -> bool:
        """Told what a frame took; whether `scale` changed."""
        self._times.append(seconds)
        step = self._wanted()
        if step == self._step or self._clock() < self._next:
            return False
        self._step = step
        self._next = self._clock() + PAUSE
        self._times.clear()
        return True

    def _wanted(self) -> int:
        if len(self._times) < ENOUGH:
            return self._step
        usual = median(self._times)
        if usual > TOO_SLOW * self._budget:
            return min(self._step + 1, len(SCALES) - 1)
        if self._step == 0 or len(self._times) < NEWEST:
            return self._step
        # As if all of it grew with the area: what does not makes the estimate too high, never low.
        larger = usual * (SCALES[self._step - 1] / self.scale) ** 2
        return self._step - 1 if larger < WITH_ROOM * self._budget else self._step
