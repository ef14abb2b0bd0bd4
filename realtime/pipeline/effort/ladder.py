"""The steps by which a run spares itself work, and when it takes one. Knows only loads and a clock.

Down, the look is kept for as long as possible: pictures a little smaller first, then a lighter
generator of the same look at full size (at half the size, the usual one would paint a blur), then
that one's pictures smaller, then fewer threads. Limits (frame_rate.py, cpu_budget.py) say whether
there is too much work, and by how much it may grow. Up goes it only if every limit leaves room for
what the larger step is expected to take. So noise does not make the steps oscillate, nor does a
load that stays as it is. Skipping frames is no step: the CPU budget does so meanwhile, by itself.
"""

import time
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

SCALES = (1.0, 0.85, 0.7, 0.6, 0.5, 0.4)
LIGHTER_FROM = 0.7
"""The scale below which the lighter generator paints, where there is one."""
MINIMUM_INTERVAL = 1.0
"""Minimum seconds between two changes."""


class Step(NamedTuple):
    """How frames are painted: `scale` is a factor for both sides, in (0, 1]; `threads` None means
    as many as the run began with."""

    scale: float = 1.0
    lighter: bool = False
    threads: int | None = None


class Limit(Protocol):
    """Something that the work must not exceed. One thread asks."""

    spares_threads: bool
    """Whether fewer threads help to keep to it."""

    @property
    def load(self) -> float | None:
        """The work for now, in any unit; None until it is known for the present step."""
        ...

    @property
    def presses(self) -> bool:
        """Whether there is too much work."""
        ...

    @property
    def room(self) -> float:
        """The factor by which the work may grow; 0 until that is certain."""
        ...

    def restart(self) -> None:
        """Forget what was measured: another step begins."""
        ...


class _Saving:
    """What the step from `before` to `after` saved, by limit: measured once it is in force, as no
    formula tells what a lighter generator or fewer threads save."""

    def __init__(self, before: Step, after: Step, loads: Sequence[float]) -> None:
        self.before, self.after, self._loads = before, after, loads
        self._factors: list[float] | None = None

    def measure(self, loads: Sequence[float] | None) -> None:
        """Compare with the loads now, the first time that they are known."""
        if self._factors is None and loads is not None:
            pairs = zip(self._loads, loads, strict=True)
            self._factors = [max(1.0, before / max(now, 1e-9)) for before, now in pairs]

    def fits(self, rooms: Sequence[float | None]) -> bool:
        """Whether the way back leaves room; None is the room of a limit that is not asked."""
        if self._factors is None:
            return False
        pairs = zip(self._factors, rooms, strict=True)
        return all(room is None or factor < room for factor, room in pairs)


class Ladder:
    """Chooses the step that keeps to all `limits`. To be used by one thread only."""

    def __init__(
        self, limits: Sequence[Limit], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._limits, self._clock = limits, clock
        self._next_change = clock()
        self._savings: list[_Saving] = []
        self.step = Step()
        self.unheld: tuple[Limit, ...] = ()
        """The limits that press although no step is left that helps."""

    def follow(self, *, has_lighter: bool = False, threads: int | None = None) -> tuple[Limit, ...]:
        """Take a step if need be, or if there is room; return the limits that asked for it.

        `has_lighter` says whether there is a lighter generator, `threads` how many the generator
        has of itself (None: that cannot be changed). Nothing is returned where nothing changed.
        """
        asked = tuple(limit for limit in self._limits if self._asks(limit))
        pressing = tuple(limit for limit in asked if limit.presses)
        loads = self._loads()
        saving = self._last_saving()
        if saving:
            saving.measure(loads)
        wanted = self._below(pressing, has_lighter, threads) if pressing else self._above(saving)
        self.unheld = pressing if wanted == self.step else ()
        if wanted == self.step or self._clock() < self._next_change:
            return ()
        if saving and wanted == saving.before:
            self._savings.pop()
        elif wanted._replace(scale=self.step.scale) != self.step:
            if loads is None:  # what it saves could not be measured
                return ()
            self._savings.append(_Saving(self.step, wanted, loads))
        self.step = wanted
        self._next_change = self._clock() + MINIMUM_INTERVAL
        for limit in self._limits:
            limit.restart()
        return pressing or asked

    def _last_saving(self) -> _Saving | None:
        """What led to the present step, if that was not its scale."""
        if self._savings and self._savings[-1].after == self.step:
            return self._savings[-1]
        return None

    def _asks(self, limit: Limit) -> bool:
        """Once threads are spared, only limits that are kept to by this have a say."""
        return self.step.threads is None or limit.spares_threads

    def _loads(self) -> list[float] | None:
        loads = [limit.load for limit in self._limits]
        known = [load for load in loads if load is not None]
        return known if len(known) == len(loads) else None

    def _below(self, pressing: tuple[Limit, ...], has_lighter: bool, threads: int | None) -> Step:
        """The step with less work; the same where none is left."""
        scale = self.step.scale
        usual = not self.step.lighter and self.step.threads is None
        if has_lighter and usual and scale <= LIGHTER_FROM:
            return Step(lighter=True)
        if scale > SCALES[-1]:
            return self.step._replace(scale=SCALES[SCALES.index(scale) + 1])
        present = self.step.threads or threads or 1
        if present > 1 and any(limit.spares_threads for limit in pressing):
            return self.step._replace(threads=present // 2)
        return self.step

    def _above(self, saving: _Saving | None) -> Step:
        """The step with more work, if there is room for it."""
        if saving:
            rooms = [limit.room if self._asks(limit) else None for limit in self._limits]
            return saving.before if saving.fits(rooms) else self.step
        place = SCALES.index(self.step.scale)
        if place == 0:
            return self.step
        # Assumes that all of the work grows with the area. Some does not, so this estimate may be
        # too high, but never too low.
        factor = (SCALES[place - 1] / self.step.scale) ** 2
        fits = all(factor < limit.room for limit in self._limits)
        return self.step._replace(scale=SCALES[place - 1]) if fits else self.step
