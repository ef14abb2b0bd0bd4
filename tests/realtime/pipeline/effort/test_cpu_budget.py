"""The share of the CPU that a run keeps to by skipping frames, on clocks of its own."""

import pytest

from realtime.pipeline.effort.cpu_budget import LONGEST, CpuBudget


class Machine:
    """Paints frames that take `seconds` on `threads` cores, from a source of `fps`."""

    def __init__(
        self,
        share: float,
        *,
        seconds: float,
        threads: float = 1.0,
        fps: float = 30.0,
        target: float | None = None,
    ) -> None:
        self.now = self.cpu = 0.0
        self.seconds, self.threads, self.fps = seconds, threads, fps
        self.budget = CpuBudget(
            share,
            offered=lambda: int(self.now * self.fps),
            target=target,
            cores=4,
            clock=lambda: self.now,
            cpu_time=lambda: self.cpu,
            sleep=self.sleep,
        )

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def run(self, seconds: float) -> tuple[float, float]:
        """The share of the CPU that was used in that time, and the rate."""
        began, cpu, frames = self.now, self.cpu, 0
        while self.now - began < seconds:
            self.budget.wait(lambda: False)
            self.now = max(self.now, int(self.now * self.fps) / self.fps)
            self.now += max(self.seconds, 0.0)
            self.cpu += self.seconds * self.threads
            self.budget.painted()
            self.budget.shown(self.seconds)
            frames += 1
            self.now = max(self.now, began + frames / self.fps)
        took = self.now - began
        return (self.cpu - cpu) / took / 4, frames / took


@pytest.mark.parametrize("share", [0.1, 0.25, 0.5])
def test_the_budget_is_held_and_used(share: float):
    machine = Machine(share, seconds=0.03, threads=4)
    machine.run(10)
    used, rate = machine.run(10)
    assert share * 0.85 < used < share * 1.1
    assert machine.budget.skipping
    assert machine.budget.most_fps == pytest.approx(rate, rel=0.05)


def test_it_knows_what_all_frames_would_need():
    machine = Machine(0.25, seconds=0.03, threads=4)
    machine.run(10)
    assert machine.budget.load == pytest.approx(0.03 * 4 * 30 / 4 / 0.25, rel=0.05)
    assert machine.budget.presses
    assert machine.budget.room < 1


def test_no_more_frames_than_the_target_must_fit():
    machine = Machine(0.5, seconds=0.03, threads=4, target=12)
    machine.run(10)
    assert machine.budget.load == pytest.approx(0.03 * 4 * 12 / 4 / 0.5, rel=0.05)
    assert not machine.budget.presses
    assert machine.budget.skipping


def test_a_machine_too_slow_for_all_frames_needs_only_what_it_can_do():
    machine = Machine(0.4, seconds=0.1, threads=1)
    assert machine.run(10)[1] == pytest.approx(10, rel=0.05)
    assert machine.budget.load == pytest.approx(0.25 / 0.4, rel=0.05)
    assert not machine.budget.skipping


def test_a_run_within_its_budget_is_left_alone():
    machine = Machine(0.5, seconds=0.01)
    assert machine.run(10)[1] == pytest.approx(30, rel=0.05)
    assert machine.budget.interval == 0
    assert machine.budget.most_fps is None
    assert machine.budget.room > 1


def test_when_frames_become_cheap_more_of_them_are_painted():
    machine = Machine(0.2, seconds=0.05, threads=4)
    slow = machine.run(10)[1]
    machine.seconds = 0.005
    machine.run(10)
    assert machine.run(10)[1] > slow * 4
    assert not machine.budget.skipping


def test_scenes_that_are_not_painted_anew_tell_nothing_of_what_painting_needs():
    machine = Machine(0.2, seconds=0.05, threads=4)
    machine.run(10)
    machine.budget.ignore()
    machine.budget.painted = lambda: None  # type: ignore[method-assign]
    machine.seconds = 0.001
    machine.run(10)
    assert machine.budget.load is None
    assert machine.budget.room == 0


def test_it_never_waits_so_long_that_the_picture_seems_frozen():
    machine = Machine(0.001, seconds=0.1, threads=4)
    assert not machine.budget.overrun
    machine.run(20)
    assert machine.budget.interval == LONGEST
    assert machine.budget.overrun


def test_the_end_of_a_run_is_not_delayed():
    machine = Machine(0.001, seconds=0.1, threads=4)
    machine.run(5)
    before = machine.now
    machine.budget.wait(lambda: True)
    assert machine.now == before
