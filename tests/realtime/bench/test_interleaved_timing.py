"""Turn-taking and its arithmetic, by a clock that only the contenders move."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.bench.interleaved_timing import (
    MINIMUM_RUNS,
    Contender,
    Timing,
    interleave,
    is_due,
    planned_turns,
    runs_in_turn,
)


class Track:
    """A fake clock, contenders that take a known time on it, and the order in which they ran."""

    def __init__(self) -> None:
        self.now = 0.0
        self.order: list[str] = []

    def contender(self, name: str, *seconds: float) -> Contender:
        """One whose runs take the given times in turn, the last for ever."""
        left = list(seconds)

        def paint() -> None:
            self.order.append(name)
            self.now += left.pop(0) if len(left) > 1 else left[0]

        def warm_up() -> None:
            self.order.append(f"warm {name}")
            self.now += seconds[0]

        return Contender(name, paint, warm_up)


def test_contenders_take_turns():
    track = Track()
    contenders = [track.contender("a", 0.1), track.contender("b", 0.2)]
    interleave(contenders, rounds=3, seconds=100, clock=lambda: track.now)
    assert track.order == ["warm a", "warm b", "a", "b", "a", "b", "a", "b"]


def test_times_are_those_of_the_runs_and_the_warm_up_is_not_among_them():
    track = Track()
    contender = track.contender("a", 0.4, 0.1, 0.2, 0.3)
    timing = interleave([contender], rounds=4, seconds=100, clock=lambda: track.now)["a"]
    assert timing.times_ms == pytest.approx((400, 100, 200, 300))
    assert timing.median == pytest.approx(250)


def test_a_slow_one_sits_out_evenly_and_the_time_is_kept():
    track = Track()
    contenders = [track.contender("slow", 10.0), track.contender("quick", 0.1)]
    timings = interleave(contenders, rounds=20, seconds=80, clock=lambda: track.now)
    assert len(timings["slow"].times_ms) == 4
    assert len(timings["quick"].times_ms) == 20
    turns = [i for i, name in enumerate(n for n in track.order if n != "quick") if name == "slow"]
    assert len(turns) == 4
    first_half = track.order[: len(track.order) // 2]
    assert first_half.count("slow") == 2


def test_one_that_is_too_slow_for_any_budget_still_runs_twice():
    track = Track()
    timings = interleave(
        [track.contender("slow", 60.0)], rounds=9, seconds=1, clock=lambda: track.now
    )
    assert len(timings["slow"].times_ms) == MINIMUM_RUNS


def test_a_light_one_runs_several_times_in_its_turn():
    track = Track()
    contenders = [track.contender("light", 0.02), track.contender("heavy", 1.0)]
    interleave(contenders, rounds=1, seconds=100, clock=lambda: track.now)
    assert track.order[2:] == ["light", "light", "light", "heavy"] or track.order[2:] == [
        "light",
        "light",
        "heavy",
    ]


@given(rounds=st.integers(1, 200), turns=st.integers(0, 200))
def test_one_is_due_just_as_often_as_planned(rounds: int, turns: int):
    turns = min(turns, rounds)
    due = [i for i in range(rounds) if is_due(i, rounds, turns)]
    assert len(due) == turns
    gaps = [b - a for a, b in pairwise(due)]
    assert not gaps or max(gaps) - min(gaps) <= 1


@given(estimate=st.floats(0, 100), share=st.floats(0, 100), rounds=st.integers(1, 100))
def test_planned_turns_stay_between_the_least_and_the_rounds(
    estimate: float, share: float, rounds: int
):
    turns = planned_turns(estimate, share, rounds)
    assert min(rounds, MINIMUM_RUNS) <= turns <= rounds
    assert runs_in_turn(estimate) >= 1


def test_percentiles_of_a_timing():
    timing = Timing(tuple(float(i) for i in range(101)))
    assert (timing.p10, timing.median, timing.p90) == (10, 50, 90)
