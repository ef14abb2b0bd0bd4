"""Times several contenders fairly: in turns, so that a busy moment affects all of them alike."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

TURN_SECONDS = 0.06
"""Seconds that a turn should last. A fast contender runs several times in its turn, as it would
on a video: a single run would start with the caches that a slow one left behind."""

MAXIMUM_IN_TURN = 5
MINIMUM_RUNS = 2


@dataclass(frozen=True)
class Contender:
    """`paint` does the work once and returns when it is done; `warm_up` prepares for it.

    `painted` is the width and height that the generator works at; may be less than the frame's.
    """

    name: str
    paint: Callable[[], object]
    warm_up: Callable[[], object]
    painted: tuple[int, int] | None = None


@dataclass(frozen=True)
class Timing:
    """The times of all runs of one contender, in milliseconds."""

    times_ms: tuple[float, ...]

    @property
    def median(self) -> float:
        return float(np.median(self.times_ms))

    @property
    def p10(self) -> float:
        return float(np.percentile(self.times_ms, 10))

    @property
    def p90(self) -> float:
        return float(np.percentile(self.times_ms, 90))


def interleave(
    contenders: Sequence[Contender],
    *,
    rounds: int,
    seconds: float,
    clock: Callable[[], float] = time.perf_counter,
    on_turn: Callable[[str], None] = lambda name: None,
) -> dict[str, Timing]:
    """Time the contenders in turns, over `rounds` rounds; return contender name to times.

    Each contender is first warmed up. The warm-up gives an estimate of how long a run takes; it
    is not among the times. `seconds` is shared evenly. A contender that is too slow for its share
    skips rounds, evenly spread, but takes MINIMUM_RUNS turns whatever they cost.
    """
    turns, in_turn = {}, {}
    for contender in contenders:
        on_turn(contender.name)
        estimate = _time(contender.warm_up, clock)
        in_turn[contender.name] = runs_in_turn(estimate)
        cost = estimate * in_turn[contender.name]
        turns[contender.name] = planned_turns(cost, seconds / len(contenders), rounds)
    times: dict[str, list[float]] = {contender.name: [] for contender in contenders}
    for i in range(rounds):
        for contender in contenders:
            if is_due(i, rounds, turns[contender.name]):
                on_turn(contender.name)
                for _ in range(in_turn[contender.name]):
                    times[contender.name].append(1000 * _time(contender.paint, clock))
    return {name: Timing(tuple(values)) for name, values in times.items()}


def runs_in_turn(estimate: float) -> int:
    """How many times a contender that takes `estimate` seconds runs in one turn."""
    return max(1, min(MAXIMUM_IN_TURN, int(TURN_SECONDS / max(estimate, 1e-6))))


def planned_turns(cost: float, share: float, rounds: int) -> int:
    """How many of `rounds` a contender takes part in, if a turn costs `cost` of `share` seconds."""
    return min(rounds, max(MINIMUM_RUNS, int(share / max(cost, 1e-6))))


def is_due(i: int, rounds: int, turns: int) -> bool:
    """Whether a contender with `turns` turns, spread evenly over `rounds`, has one in round `i`."""
    return (i + 1) * turns // rounds > i * turns // rounds


def _time(work: Callable[[], object], clock: Callable[[], float]) -> float:
    started = clock()
    work()
    return clock() - started
