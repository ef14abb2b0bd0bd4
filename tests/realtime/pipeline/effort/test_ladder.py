"""Limits are kept on machines that are simulated: a frame takes a + b·scale², and some noise."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from realtime.pipeline.effort.frame_rate import FrameRate
from realtime.pipeline.effort.ladder import LIGHTER_FROM, MINIMUM_INTERVAL, SCALES, Ladder, Step

TARGET = 30.0
BUDGET = 1 / TARGET


class Machine:
    """Paints by the clock that the ladder reads. `changes` are the times of its changes."""

    def __init__(self, a: float, b: float, *, noise: float = 0.0, seed: int = 0) -> None:
        self.a, self.b, self.noise = a, b, noise
        self.random = np.random.default_rng(seed)
        self.now = 0.0
        self.rate = FrameRate(TARGET)
        self.ladder = Ladder([self.rate], clock=lambda: self.now)
        self.changes: list[float] = []
        self.saving: float | None = None

    @property
    def step(self) -> Step:
        return self.ladder.step

    def cost(self, scale: float) -> float:
        saving = self.saving if self.saving and self.step.lighter else 1.0
        return (self.a + self.b * scale**2) / saving

    def paint(self, seconds: float) -> None:
        """Frames come at the target's rate, and wait where painting takes longer."""
        end = self.now + seconds
        while self.now < end:
            took = self.cost(self.step.scale) * (1 + self.noise * self.random.normal())
            self.now += max(took, BUDGET)
            self.rate.painted(took)
            if self.ladder.follow(has_lighter=self.saving is not None, threads=4):
                self.changes.append(self.now)


shares = st.floats(0.01, 3.0)
seeds = st.integers(0, 2**32 - 1)


@settings(deadline=None, max_examples=50)
@given(fixed=shares, growing=shares, seed=seeds)
def test_it_settles_where_the_rate_is_held_if_any_scale_holds_it(fixed, growing, seed):
    machine = Machine(fixed * BUDGET, growing * BUDGET, noise=0.05, seed=seed)
    machine.paint(20)
    early = len(machine.changes)
    machine.paint(30)
    assert len(machine.changes) - early <= 1  # a time just at the threshold may be taken so or so
    held = machine.cost(machine.step.scale) <= BUDGET
    assert held or machine.step.scale == SCALES[-1]


@settings(deadline=None, max_examples=50)
@given(loads=st.lists(st.tuples(shares, shares), min_size=2, max_size=6), seed=seeds)
def test_it_changes_at_most_once_a_second_whatever_happens(loads, seed):
    machine = Machine(0, 0, noise=0.2, seed=seed)
    for fixed, growing in loads:
        machine.a, machine.b = fixed * BUDGET, growing * BUDGET
        machine.paint(5)
    assert all(np.diff(machine.changes) >= MINIMUM_INTERVAL - 1e-9)


@settings(deadline=None, max_examples=50)
@given(fixed=st.floats(0, 0.44), growing=st.floats(0, 0.44), seed=seeds)
def test_when_the_load_falls_it_goes_up_again(fixed, growing, seed):
    machine = Machine(0, 3 * BUDGET, noise=0.05, seed=seed)
    machine.paint(20)
    assert machine.step.scale < 0.7
    scale = 0.44 / max(0.44, fixed + growing)
    machine.a, machine.b = fixed * scale * BUDGET, growing * scale * BUDGET
    machine.paint(20)
    assert machine.step == Step()


def test_it_steps_through_the_scales_one_by_one():
    machine = Machine(2 * BUDGET, 0)
    seen = [machine.step.scale]
    for _ in range(400):
        machine.paint(BUDGET)
        if machine.step.scale != seen[-1]:
            seen.append(machine.step.scale)
    assert tuple(seen) == SCALES
    assert machine.step.threads is None, "fewer threads would make it slower"


@pytest.mark.parametrize("outliers", [1, 3])
def test_single_slow_frames_change_nothing(outliers):
    machine = Machine(0.5 * BUDGET, 0)
    machine.paint(2)
    for _ in range(20):
        machine.a = 5 * BUDGET
        machine.paint(outliers * 5 * BUDGET)
        machine.a = 0.5 * BUDGET
        machine.paint(12 * BUDGET)
    assert machine.step == Step()


def test_a_lighter_generator_paints_before_pictures_get_small():
    machine = Machine(3 * BUDGET, 0)
    machine.saving = 1.5
    seen = [machine.step]
    for _ in range(600):
        machine.paint(BUDGET)
        if machine.step != seen[-1]:
            seen.append(machine.step)
    assert seen == [
        *(Step(scale) for scale in SCALES if scale >= LIGHTER_FROM),
        *(Step(scale, lighter=True) for scale in SCALES),
    ]


@settings(deadline=None, max_examples=30)
@given(load=st.floats(1.2, 2.0), saving=st.floats(2.3, 5.0), seed=seeds)
def test_a_lighter_generator_is_kept_while_it_is_needed(load, saving, seed):
    machine = Machine(load * BUDGET, 0, noise=0.05, seed=seed)
    machine.saving = saving
    machine.paint(20)
    assert machine.step == Step(lighter=True)
    early = len(machine.changes)
    machine.paint(30)
    assert len(machine.changes) == early, "no going up and down"
    assert machine.rate.reached_fps is None
    machine.a = 0.3 * BUDGET
    machine.paint(20)
    assert machine.step == Step()


@settings(deadline=None, max_examples=30)
@given(
    fixed=shares,
    growing=st.floats(0.5, 6.0),
    saving=st.floats(1.1, 5.0),
    less=st.floats(0.05, 0.3),
    seed=seeds,
)
def test_whatever_it_saves_the_ladder_settles_and_comes_back(fixed, growing, saving, less, seed):
    machine = Machine(fixed * BUDGET, growing * BUDGET, noise=0.02, seed=seed)
    machine.saving = saving
    machine.paint(30)
    early = len(machine.changes)
    machine.paint(30)
    assert len(machine.changes) - early <= 1
    held = machine.cost(machine.step.scale) <= BUDGET
    assert held or machine.step == Step(SCALES[-1], lighter=True)
    machine.a, machine.b = less * BUDGET, 0.1 * BUDGET
    machine.paint(30)
    assert machine.step == Step()


@pytest.mark.parametrize("saving", [None, 1.5])
def test_what_is_reached_is_known_where_nothing_holds_the_rate(saving):
    machine = Machine(3 * BUDGET, 0)
    machine.saving = saving
    assert machine.rate.reached_fps is None
    machine.paint(20)
    assert machine.step.lighter == (saving is not None)
    assert machine.ladder.unheld == (machine.rate,)
    assert machine.rate.reached_fps == pytest.approx(TARGET / 3 * (saving or 1.0))
    machine.a = 0.1 * BUDGET
    machine.paint(20)
    assert machine.rate.reached_fps is None
    assert machine.ladder.unheld == ()
