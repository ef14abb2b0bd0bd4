"""A fixed output rate: the last item is repeated if no new one came. Knows no frames."""

import time
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class FixedRatePacer(Generic[T]):
    """Gives one item per tick, `fps` ticks per second: the newest item put, or the last one again.

    Any thread may `put`; one thread waits for `delay` seconds, then calls `tick`. After a stall
    the missed ticks are skipped: a camera's reader wants the present, not a burst.
    """

    def __init__(self, fps: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        assert fps > 0
        self._interval = 1.0 / fps
        self._clock = clock
        self._next = clock()
        self._item: T | None = None

    def put(self, item: T) -> None:
        self._item = item

    def delay(self) -> float:
        """Seconds until the next tick is due; 0 when it is due now."""
        return max(0.0, self._next - self._clock())

    def tick(self) -> T | None:
        """The item for this tick (None before the first `put`); schedules the next tick."""
        now = self._clock()
        self._next += self._interval
        if self._next <= now:
            self._next = now + self._interval
        return self._item
