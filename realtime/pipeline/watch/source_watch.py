"""Notices that a live source gives no new frames, whatever the reason."""

import time
from collections.abc import Callable

PATIENCE = 1.0
"""Seconds without a new frame after which a source seems lost; slow sources get longer."""
FRAMES_MISSED = 3
"""A source with a rate below PATIENCE is given the time of that many frames."""


class SourceWatch:
    """Told of every new frame, and often of none, by one thread; any thread may read `lost_for`.

    `fps` is the source's rate in frames/s. `on_message` gets one line when the source seems lost,
    and one when frames come again.
    """

    def __init__(
        self,
        fps: float,
        *,
        on_message: Callable[[str], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._patience = max(PATIENCE, FRAMES_MISSED / fps if fps > 0 else 0.0)
        self._on_message, self._clock = on_message, clock
        self._newest = clock()
        self._lost = False

    @property
    def lost_for(self) -> float | None:
        """Seconds since the last new frame if the source seems lost; otherwise None."""
        return self._clock() - self._newest if self._lost else None

    def saw_frame(self) -> None:
        now = self._clock()
        if self._lost:
            self._lost = False
            self._on_message(f"new frames again, after {now - self._newest:.1f} s without")
        self._newest = now

    def saw_nothing(self, *, resting: bool) -> None:
        """No new frame came; `resting` says that none was to be read."""
        if resting and not self._lost:
            self._newest = self._clock()
        elif not self._lost and self._clock() - self._newest >= self._patience:
            self._lost = True
            self._on_message(f"source lost: no new frame for {self._patience:g} s; trying again")
