"""Holds frames back until they are due, and can wake a reader that waits for one."""

import threading
import time

from realtime.sources import EndOfSource

LATE = 1.0
"""Seconds: a reader later than this starts a new time line instead of catching up in a burst."""


class PlaybackClock:
    """If `paced`, `wait` sleeps until a frame's time has come; otherwise it returns at once.

    The time line starts with the first frame after `start`. `stop` may come from any thread:
    it wakes the sleeper, and every later `wait` raises EndOfSource until the next `start`.
    """

    def __init__(self, *, paced: bool) -> None:
        self._paced = paced
        self._stopped = threading.Event()
        self._origin: float | None = None

    def start(self) -> None:
        self._stopped.clear()
        self._origin = None

    def stop(self) -> None:
        self._stopped.set()

    @property
    def stopped(self) -> bool:
        return self._stopped.is_set()

    def wait(self, timestamp: float) -> float:
        """Return time.monotonic() once the frame of `timestamp` (in seconds) is due."""
        now = time.monotonic()
        if self._paced:
            if self._origin is None or now > self._origin + timestamp + LATE:
                self._origin = now - timestamp
            due = self._origin + timestamp
            if due > now:
                self._stopped.wait(due - now)
        if self.stopped:
            raise EndOfSource
        return time.monotonic()
