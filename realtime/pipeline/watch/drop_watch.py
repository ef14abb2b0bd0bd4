"""Whether a sink of a live run is too slow for what it is given."""

import time
from collections.abc import Callable

PERIOD = 5.0
"""Seconds over which it is judged: a disk may well hold a sink up for one."""


class DropWatch:
    """Compares what its queue drops with what it takes. One thread uses it at a time."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._since = clock()
        self._taken = self._dropped = 0

    def too_slow(self, taken: int, dropped: int) -> bool:
        """Whether most pictures of the last PERIOD were dropped, by these counts so far."""
        now = self._clock()
        if now - self._since < PERIOD:
            return False
        slow = dropped - self._dropped > taken - self._taken
        self._since, self._taken, self._dropped = now, taken, dropped
        return slow
