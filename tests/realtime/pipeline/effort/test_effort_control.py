"""A frame rate and a CPU budget on one ladder, on simulated machines: what is done and said.

A frame takes `fixed` + `growing`·scale² processor seconds, less by the lighter generator; each
further thread makes it faster, but takes a little more in all.
"""

from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from realtime.control.monitor import Effort
from realtime.pipeline.effort.control import EffortControl
from realtime.pipeline.effort.cpu_budget import CpuBudget
from realtime.pipeline.effort.frame_rate import FrameRate
from realtime.pipeline.effort.ladder import SCALES

CORES = 4
FPS = 30.0


class Generator:
    """What the effort sees of a stylizer."""

    def __init__(self, threads: int | None, *, has_lighter: bool) -> None:
        self.usual_threads, self._has_lighter = threads, has_lighter
        self.extra_scale, self.lighter, self.loading = 1.0, False, False
        self.threads: int | None = None

    def has_lighter(self, look: str) -> bool:
        return self._has_lighter


class Machine:
    """`said` is what a user would have read; `used` and `shown` are of the last `run`."""

    def __init__(
        self,
        *,
        share: float | None = None,
        target: float | None = None,
        fixed: float = 0.0,
        growing: float = 0.0,
        light: float | None = None,
        threads: int | None = None,
        noise: float = 0.0,
        seed: int = 0,
    ) -> None:
        self.now = self.cpu = 0.0
        self.fixed, self.growing, self.light, self.noise = fixed, growing, light, noise
        self.random = np.random.default_rng(seed)
        self.generator = Generator(threads, has_lighter=light is not None)
        self.said: list[str] = []
        self.used = self.shown = 0.0
        budget = None
        if share is not None:
            budget = CpuBudget(
                share,
                offered=lambda: int(self.now * FPS),
                target=target,
                cores=CORES,
                clock=lambda: self.now,
                cpu_time=lambda: self.cpu,
                sleep=self._sleep,
            )
        self.effort = EffortControl(
            cast(Any, self.generator),
            rate=None if target is None else FrameRate(target),
            budget=budget,
            on_message=self.said.append,
            clock=lambda: self.now,
        )

    def _sleep(self, seconds: float) -> None:
        self.now += seconds

    def cost(self, effort: Effort) -> tuple[float, float]:
        """Processor seconds and seconds of a frame."""
        cpu = self.fixed + self.growing * effort.scale**2
        if effort.lighter and self.light is not None:
            cpu *= self.light
        threads = effort.threads or self.generator.usual_threads or 1
        return cpu * (1 + 0.1 * (threads - 1)), cpu / threads

    def run(self, seconds: float) -> "Machine":
        began, cpu, frames = self.now, self.cpu, 0
        while self.now - began < seconds:
            self.effort.wait(lambda: False)
            self.now = max(self.now, (frames and self._next) or 0.0)
            self._next = (int(self.now * FPS) + 1) / FPS
            cost, took = self.cost(self.state)
            factor = max(0.1, 1 + self.noise * self.random.normal())
            self.now += took * factor
            self.cpu += cost * factor
            self.effort.painted(took * factor, "style")
            self.effort.shown(took * factor)
            frames += 1
        spent = self.now - began
        self.used, self.shown = (self.cpu - cpu) / spent / CORES, frames / spent
        return self

    @property
    def state(self) -> Effort:
        return self.effort.state

    @property
    def steps(self) -> list[str]:
        return [line for line in self.said if line.startswith("painting at") and "size" in line]

    def needed(self, effort: Effort) -> float:
        """The share of all cores that every frame would need."""
        cost, took = self.cost(effort)
        return cost * min(FPS, 1 / max(took, 1e-9)) / CORES


costs = st.floats(0.0, 0.15)
seeds = st.integers(0, 2**32 - 1)
machines = st.builds(
    Machine,
    share=st.floats(0.05, 0.9),
    target=st.none() | st.floats(5, 60),
    fixed=st.floats(0.0005, 0.03),
    growing=costs,
    light=st.none() | st.floats(0.2, 0.9),
    threads=st.none() | st.integers(1, 4),
    noise=st.just(0.02) | st.just(0.0),
    seed=seeds,
)


@settings(deadline=None, max_examples=80)
@given(machine=machines)
def test_a_load_that_stays_is_answered_once_and_within_the_budget(machine: Machine):
    machine.run(60)
    changes = len(machine.steps)
    machine.run(60)
    assert len(machine.steps) - changes <= 1, "just at the threshold, a noise may decide"
    share = machine.state.cpu_budget
    assert share is not None
    one_a_second = machine.cost(machine.state)[0] / CORES
    assert machine.used <= max(1.1 * share, 1.1 * one_a_second)


@settings(deadline=None, max_examples=50)
@given(share=st.floats(0.1, 0.9), growing=st.floats(0.01, 0.15), light=st.floats(0.3, 0.8))
def test_no_frame_is_skipped_where_some_step_needs_less_than_the_budget(share, growing, light):
    machine = Machine(share=share, fixed=0.002, growing=growing, light=light, threads=4)
    lowest = Effort(scale=SCALES[-1], lighter=True, threads=1)
    machine.run(60).run(10)
    if machine.needed(lowest) < 0.95 * share:
        assert machine.state.most_fps is None
        assert machine.shown == pytest.approx(min(FPS, 1 / machine.cost(machine.state)[1]), rel=0.1)


def test_the_look_is_kept_as_long_as_possible_and_every_step_is_said():
    machine = Machine(share=0.05, growing=0.1, light=0.5, threads=4).run(60)
    assert machine.steps == [
        "painting at 0.85 of the size, to stay within 5% of the CPU",
        "painting at 0.7 of the size, to stay within 5% of the CPU",
        "painting at full size, lighter generator, to stay within 5% of the CPU",
        *(
            f"painting at {s:g} of the size, lighter generator, to stay within 5% of the CPU"
            for s in SCALES[1:]
        ),
        "painting at 0.4 of the size, lighter generator, 2 threads, to stay within 5% of the CPU",
        "painting at 0.4 of the size, lighter generator, 1 thread, to stay within 5% of the CPU",
    ]
    assert (machine.generator.lighter, machine.generator.threads) == (True, 1)
    [last] = machine.said[len(machine.steps) :]
    assert last.startswith("painting at most ") and last.endswith("to stay within 5% of the CPU")
    assert machine.state.words().startswith("0.4 of the size, lighter generator, 1 thread, at most")
    machine.run(10)
    assert machine.used == pytest.approx(0.05, rel=0.1)


def test_when_the_load_falls_all_of_it_is_taken_back():
    machine = Machine(share=0.1, growing=0.2, light=0.5, threads=4).run(60)
    assert machine.state.threads == 1
    machine.growing = 0.002
    said = len(machine.said)
    machine.run(60)
    assert machine.state.words() == ""
    assert machine.generator.extra_scale == 1.0
    assert (machine.generator.lighter, machine.generator.threads) == (False, None)
    assert machine.said[said] == "painting every frame again, within 10% of the CPU"
    assert machine.said[-1] == "painting at full size, to stay within 10% of the CPU"
    assert len(machine.said) - said == 1 + 2 + 5 + 1 + 2


def test_on_a_gpu_no_thread_is_spared():
    machine = Machine(share=0.05, growing=0.2, threads=None).run(60)
    assert not any("thread" in line for line in machine.said)
    assert machine.state.most_fps is not None


def test_the_budget_comes_before_the_rate_and_this_is_said():
    machine = Machine(share=0.05, target=30, growing=0.4).run(60).run(10)
    assert machine.used == pytest.approx(0.05, rel=0.1)
    assert any(line.endswith("which comes before 30 frames/s") for line in machine.said)


def test_too_few_threads_for_the_rate_are_said_to_be_the_budgets():
    machine = Machine(share=0.22, target=30, growing=0.35, threads=4).run(60).run(10)
    assert machine.state.threads is not None
    [line] = [line for line in machine.said if "cannot be reached" in line]
    assert line.startswith(
        "30 frames/s cannot be reached within 22% of the CPU, which comes first: "
    )
    assert machine.used <= 0.22 * 1.1


def test_frames_above_the_target_are_skipped_before_the_picture_gets_smaller():
    machine = Machine(share=0.25, target=10, growing=0.06).run(30).run(10)
    assert machine.state.scale == 1.0
    assert machine.shown == pytest.approx(0.25 * CORES / 0.06, rel=0.1)
    assert machine.used <= 0.25 * 1.1


def test_a_budget_that_cannot_be_kept_is_said_once():
    machine = Machine(share=0.01, fixed=0.5).run(60)
    lines = [line for line in machine.said if "cannot be kept to" in line]
    assert lines == [
        "1% of the CPU cannot be kept to on this machine: one frame a second, at 0.4 of the size, "
        "takes 12%"
    ]


def test_while_a_generator_is_loaded_nothing_is_judged():
    machine = Machine(share=0.05, growing=0.2)
    machine.generator.loading = True
    machine.run(20)
    assert machine.said == []
    assert machine.state == Effort(cpu_budget=0.05)
