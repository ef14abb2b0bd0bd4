"""Fewer threads where they starve each other: beside other programs, two can be slower than one.

The threads of one operation wait for each other, so that one that gets no CPU holds up all.
"""

import logging
import time
from collections.abc import Callable

import torch

from models.system.cpu import physical_cores

LOGGER = logging.getLogger(__name__)
WINDOW = 10.0
"""Seconds over which the rate of steps is measured, of at least LEAST_STEPS."""
LEAST_STEPS = 3
STARVED = 0.75
"""Share of the CPU time of all threads, below which other programs are suspected to have it."""
BETTER = 1.1
"""A change that brings less than this is taken back."""
PAUSE = 600.0
"""Seconds until a change that brought nothing, or the way back, is tried again."""


class ThreadTuning:
    """Lowers the number of threads while steps are slow for want of CPU, and raises it again.

    Nothing is assumed: a change is tried for one window and kept only if steps come faster. Call
    `step_done` after each step. The times are those of `clock` (wall) and `used` (this process's
    CPU time), in seconds.
    """

    def __init__(
        self,
        threads: int,
        apply: Callable[[int], None],
        *,
        clock: Callable[[], float] = time.monotonic,
        used: Callable[[], float] = time.process_time,
    ) -> None:
        self._most = self.threads = threads
        self._apply, self._clock, self._used = apply, clock, used
        self._before: tuple[int, float] | None = None
        self._not_until = 0.0
        self._begin()

    def _begin(self) -> None:
        self._steps, self._since, self._used_since = 0, self._clock(), self._used()

    def step_done(self) -> None:
        self._steps += 1
        seconds = self._clock() - self._since
        if seconds < WINDOW or self._steps < LEAST_STEPS:
            return
        rate = self._steps / seconds
        share = (self._used() - self._used_since) / seconds / self.threads
        if self._before is not None:
            self._judge(rate, *self._before)
        elif self._clock() >= self._not_until:
            self._try_another(rate, share)
        self._begin()

    def _try_another(self, rate: float, share: float) -> None:
        if share < STARVED and self.threads > 1:
            got = round(share * self.threads)  # so many cores' worth of CPU time
            self._change(max(1, min(self.threads - 1, got)), rate)
        elif self.threads < self._most:
            self._change(min(self._most, self.threads * 2), rate)

    def _change(self, threads: int, rate: float) -> None:
        self._before = self.threads, rate
        self._set(threads)

    def _judge(self, rate: float, threads: int, rate_before: float) -> None:
        self._before = None
        if rate < rate_before * BETTER:
            self._set(threads)
            self._not_until = self._clock() + PAUSE
            return
        if self.threads > threads:
            LOGGER.info("the CPU is free again: %d threads", self.threads)
            return
        self._not_until = self._clock() + PAUSE
        LOGGER.warning(
            "other programs use the CPU: %s instead of %d, %.1f times as fast",
            "1 thread" if self.threads == 1 else f"{self.threads} threads",
            threads,
            rate / rate_before,
        )

    def _set(self, threads: int) -> None:
        self.threads = threads
        self._apply(threads)


def threads_for_training() -> ThreadTuning:
    """Tuning of torch's threads in this process, at first no more than there are cores."""
    threads = min(torch.get_num_threads(), physical_cores())
    torch.set_num_threads(threads)
    return ThreadTuning(threads, torch.set_num_threads)
