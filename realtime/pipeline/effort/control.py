"""Keeps a live run within its limits: takes the ladder's steps, skips frames, and tells of both."""

import time
from collections.abc import Callable

from realtime.control.monitor import Effort
from realtime.inference.stylizer import Stylizer
from realtime.pipeline.effort.cpu_budget import CpuBudget
from realtime.pipeline.effort.frame_rate import FrameRate
from realtime.pipeline.effort.ladder import Ladder, Step


class EffortControl:
    """Holds a frame rate and a CPU budget, or one of them. The budget comes first.

    To be used by the painting thread only; `state` by any. `on_message` gets a line about each
    change.
    """

    def __init__(
        self,
        stylizer: Stylizer,
        *,
        rate: FrameRate | None,
        budget: CpuBudget | None,
        on_message: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stylizer, self._say = stylizer, on_message
        self._rate, self._budget = rate, budget
        limits = [limit for limit in (budget, rate) if limit is not None]
        self._ladder = Ladder(limits, clock=clock)
        self._told: set[str] = set()
        self._skipping = False

    @property
    def state(self) -> Effort:
        """What holds now."""
        scale, lighter, threads = self._ladder.step
        budget = self._budget
        return Effort(
            scale=scale,
            lighter=lighter,
            threads=threads,
            most_fps=None if budget is None else budget.most_fps,
            target_fps=None if self._rate is None else self._rate.target,
            cpu=None if budget is None else budget.used,
            cpu_budget=None if budget is None else budget.share,
        )

    def wait(self, ending: Callable[[], bool]) -> None:
        """Return when the next frame may be painted, or as soon as `ending`."""
        if self._budget is not None:
            self._budget.wait(ending)

    def painted(self, took: float, look: str) -> None:
        """A frame was painted anew, which took `took` seconds; `look` is what should paint it."""
        # While a generator is being loaded, the time is that of one which is not wanted.
        if self._stylizer.loading:
            if self._budget is not None:
                self._budget.ignore()
            return
        if self._rate is not None:
            self._rate.painted(took)
        if self._budget is not None:
            self._budget.painted()
        asking = self._ladder.follow(
            has_lighter=self._stylizer.has_lighter(look), threads=self._stylizer.usual_threads
        )
        if asking:
            step = self._ladder.step
            self._stylizer.extra_scale, self._stylizer.lighter = step.scale, step.lighter
            self._stylizer.threads = step.threads
            reasons = " and ".join(str(limit) for limit in asking)
            self._say(f"painting at {_words(step)}, to {reasons}")
        self._tell_what_cannot_be_held()

    def shown(self, busy: float) -> None:
        """A frame was shown, painted anew or not; it took `busy` seconds."""
        if self._budget is None:
            return
        self._budget.shown(busy)
        # While a step is left, skipping is for a moment only.
        left = self._budget.presses and self._budget not in self._ladder.unheld
        settled = self._budget.load is not None and not left
        if settled and self._budget.skipping != self._skipping:
            self._skipping = self._budget.skipping
            self._tell_of_skipping(self._budget)

    def _tell_of_skipping(self, budget: CpuBudget) -> None:
        if budget.most_fps is None:
            self._say(f"painting every frame again, within {budget.share:.0%} of the CPU")
            return
        line = f"painting at most {budget.most_fps:.1f} frames/s, to {budget}"
        if self._rate is not None and budget.most_fps < self._rate.target:
            line += f", which comes before {self._rate.target:g} frames/s"
        self._say(line)

    def _tell_what_cannot_be_held(self) -> None:
        """Once each, as nothing more can be done about it."""
        ladder, budget, rate = self._ladder, self._budget, self._rate
        where = _words(ladder.step)
        if rate is not None and (fps := rate.reached_fps) is not None:
            why = None
            if rate in ladder.unheld:
                why = "on this machine"
            elif budget is not None and ladder.step.threads is not None:
                why = f"within {budget.share:.0%} of the CPU, which comes first"
            if why is not None:
                reached = f"{fps:.1f} at {where}"
                self._tell_once(f"{rate.target:g} frames/s cannot be reached {why}: {reached}")
        if budget is not None and budget in ladder.unheld and budget.overrun:
            self._tell_once(
                f"{budget.share:.0%} of the CPU cannot be kept to on this machine: one frame a "
                f"second, at {where}, takes {budget.used or 0.0:.0%}"
            )

    def _tell_once(self, line: str) -> None:
        subject = line.partition(":")[0]
        if subject not in self._told:
            self._told.add(subject)
            self._say(line)


def _words(step: Step) -> str:
    spared = Effort(**step._asdict()).words()
    if step.scale != 1:
        return spared
    return f"full size, {spared}" if spared else "full size"
