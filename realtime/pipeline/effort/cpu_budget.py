"""The limit that a share of the CPU sets, and the skipping of frames that always keeps to it.

What a painted frame costs is measured, all threads of the process included. Frames that come too
early are skipped at once. How much would be needed to paint them all tells the ladder (ladder.py)
whether to paint with less work, so that in the end no frame need be skipped. Knows only clocks.
"""

import os
import time
from collections import deque
from collections.abc import Callable

PERIOD = 1.0
"""Seconds of measurement before the interval is set anew."""
LONGEST = 1.0
"""Seconds between two paintings at most: fewer would look like a frozen picture."""
NAP = 0.05
"""Seconds slept at once, so that the end of a run is not delayed."""
TOO_MUCH = 1.05
"""There is too much work if all frames would need more than this multiple of the budget."""
LITTLE_ENOUGH = 0.75
"""More work is taken on only if it is expected to need less than this share of the budget."""
STEADY = 3
"""Periods without too much work before more is taken on, or skipping counts as over."""
SKIPPING = 1.05
"""Frames are skipped if the interval is so many times what source and painting take anyway."""
NEW = 0.5
"""A period counts for the ladder if at least this share of its frames was painted anew."""


class CpuBudget:
    """A `Limit`: the share `share` (0..1) of all `cores`. To be used by the painting thread only.

    For each frame, call `wait` before it is taken, `painted` if it was not shown as it was, and
    `shown` at its end. `offered` gives the number of frames that the source has given so far. If
    there is a `target` rate, no more frames than that need fit.
    """

    spares_threads = True

    def __init__(
        self,
        share: float,
        *,
        offered: Callable[[], int],
        target: float | None = None,
        cores: int | None = None,
        clock: Callable[[], float] = time.monotonic,
        cpu_time: Callable[[], float] = time.process_time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.share, self._offered, self._target = share, offered, target
        self._cores = cores or os.cpu_count() or 1
        self._clock, self._cpu_time, self._sleep = clock, cpu_time, sleep
        self._loads: deque[float] = deque(maxlen=STEADY)
        self._frames = self._anew = 0
        self._last = clock()
        self._skipped_in_a_row = self._whole_in_a_row = 0
        self._begin_period()
        self.interval = 0.0
        """Seconds that lie between two paintings at least."""
        self.used: float | None = None
        """The share of all cores that was used in the last period."""
        self.skipping = False
        """Whether frames have been skipped for a while."""

    def __str__(self) -> str:
        return f"stay within {self.share:.0%} of the CPU"

    def wait(self, ending: Callable[[], bool]) -> None:
        """Return when the next frame may be painted, or as soon as `ending`."""
        while not ending() and (left := self._last + self.interval - self._clock()) > 0:
            self._sleep(min(left, NAP))
        self._last = self._clock()

    def painted(self) -> None:
        """The frame was painted anew."""
        self._anew += 1

    def shown(self, busy: float) -> None:
        """Count a frame that took `busy` seconds. Now and then, set the interval so that the budget
        is just used."""
        self._frames += 1
        self._busy += busy
        took = self._clock() - self._began
        if took < PERIOD:
            return
        self.used = (self._cpu_time() - self._cpu_began) / took / self._cores
        offered = max(self._frames, self._offered() - self._offered_before) / took
        each = took / self._frames
        if self.interval or self.used > self.share:
            self.interval = min(LONGEST, each * self.used / self.share)
        if self.interval < each * 0.5:
            self.interval = 0.0  # the source itself is slower than the budget asks for
        self._note_skipping(max(1 / offered, self._busy / self._frames))
        if not self._mixed and self._anew >= NEW * self._frames:
            self._loads.append(self._needed(offered, each) / self.share)
        self._begin_period()

    def _needed(self, offered: float, each: float) -> float:
        """The share of all cores that would be used if no frame were skipped."""
        assert self.used is not None
        wanted = offered if self._target is None else min(offered, self._target)
        possible = self._frames / max(self._busy, 1e-9)
        return self.used * each * min(wanted, possible)

    def _note_skipping(self, usual: float) -> None:
        """Two periods make it begin and STEADY end it: `usual` is the interval without it."""
        skips = self.interval > SKIPPING * usual
        self._skipped_in_a_row = self._skipped_in_a_row + 1 if skips else 0
        self._whole_in_a_row = 0 if skips else self._whole_in_a_row + 1
        if self._skipped_in_a_row >= 2 or self._whole_in_a_row >= STEADY:
            self.skipping = skips

    @property
    def most_fps(self) -> float | None:
        """The rate above which frames are skipped; None if none are."""
        return 1 / self.interval if self.skipping and self.interval else None

    @property
    def overrun(self) -> bool:
        """Whether the budget is exceeded although hardly a frame is painted."""
        return self.interval >= LONGEST and (self.used or 0.0) > TOO_MUCH * self.share

    @property
    def load(self) -> float | None:
        """What all frames would need, as a multiple of the budget."""
        return self._loads[-1] if self._loads else None

    @property
    def presses(self) -> bool:
        return (self.load or 0.0) > TOO_MUCH

    @property
    def room(self) -> float:
        if len(self._loads) < STEADY:
            return 0.0
        return LITTLE_ENOUGH / max(1e-9, *self._loads)

    def restart(self) -> None:
        """Another step begins. A period goes on, as it decides on skipping, too."""
        self._loads.clear()
        if self._frames:
            self._mixed = True
        else:
            self._begin_period()

    def ignore(self) -> None:
        """What is measured at present is not the work that the budget is for."""
        self._loads.clear()
        self._begin_period()

    def _begin_period(self) -> None:
        self._mixed = False
        self._began, self._cpu_began = self._clock(), self._cpu_time()
        self._frames = self._anew = 0
        self._busy = 0.0
        self._offered_before = self._offered()
