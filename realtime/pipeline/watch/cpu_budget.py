"""Keeps a run below a share of the CPU by painting fewer frames. Knows only clocks.

What a painted frame costs is measured, all threads of the process included; frames that come too
early are skipped. The size of the painting is the business of adaptive_scale.py, which gives way
to no budget: a smaller picture costs less, so more frames fit.
"""

import os
import time
from collections.abc import Callable

PERIOD = 1.0
"""Seconds of measurement before the interval is set anew."""
LONGEST = 1.0
"""Seconds between two paintings at most: fewer would look like a frozen picture."""
NAP = 0.05
"""Seconds slept at once, so that the end of a run is not delayed."""


class CpuBudget:
    """To be used by the painting thread only. `share` in 0..1 is of all `cores`.

    `on_message` gets a line when frames are first skipped.
    """

    def __init__(
        self,
        share: float,
        *,
        on_message: Callable[[str], None] = lambda _: None,
        cores: int | None = None,
        clock: Callable[[], float] = time.monotonic,
        cpu_time: Callable[[], float] = time.process_time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._share, self._say = share, on_message
        self._cores = cores or os.cpu_count() or 1
        self._clock, self._cpu_time, self._sleep = clock, cpu_time, sleep
        self._began, self._cpu_began, self._frames = clock(), cpu_time(), 0
        self._last = clock()
        self._told = False
        self.interval = 0.0

    def wait(self, ending: Callable[[], bool]) -> None:
        """Return when the next frame may be painted, or as soon as `ending`."""
        while not ending() and (left := self._last + self.interval - self._clock()) > 0:
            self._sleep(min(left, NAP))
        self._last = self._clock()

    def painted(self) -> None:
        """Count a frame. Now and then, set the interval so that the budget is just used."""
        self._frames += 1
        now, cpu = self._clock(), self._cpu_time()
        took = now - self._began
        if took < PERIOD:
            return
        used = (cpu - self._cpu_began) / took / self._cores
        if self.interval or used > self._share:
            self.interval = min(LONGEST, took / self._frames * used / self._share)
        if self.interval < took / self._frames * 0.5:
            self.interval = 0.0  # the source itself is slower than the budget asks for
        self._began, self._cpu_began, self._frames = now, cpu, 0
        if self.interval and not self._told:
            self._told = True
            self._say(
                f"painting at most {1 / self.interval:.1f} frames/s, to stay within "
                f"{self._share:.0%} of the CPU"
            )
