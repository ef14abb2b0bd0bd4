"""The machine is simulated: how fast steps are, and how much CPU they get, with n threads."""

import pytest

pytest.importorskip("torch", reason="needs the train extra")

from training.runtime.starved_threads import PAUSE, ThreadTuning


class Machine:
    """`step` gives the seconds of a step and its CPU seconds, by the number of threads."""

    def __init__(self, threads, step):
        self.step, self.now, self.used = step, 0.0, 0.0
        self.tuning = ThreadTuning(
            threads, lambda _: None, clock=lambda: self.now, used=lambda: self.used
        )

    def train(self, seconds):
        end = self.now + seconds
        while self.now < end:
            wall, cpu = self.step(self.tuning.threads)
            self.now, self.used = self.now + wall, self.used + cpu
            self.tuning.step_done()
        return self.tuning.threads


def alone(threads):
    return 1.0 / threads, 1.0


def starving(threads):
    return (1.0, 0.9) if threads == 1 else (20.0, 20.0)


def test_threads_that_starve_each_other_become_fewer_aloud(caplog):
    machine = Machine(4, starving)
    assert machine.train(300) == 1
    assert "instead of" in caplog.text and "1 thread " in caplog.text


def test_alone_on_the_machine_nothing_changes(caplog):
    assert Machine(4, alone).train(3000) == 4
    assert not caplog.records


def test_threads_that_wait_but_still_help_stay():
    # Half of their time they wait for photographs: fewer threads would be slower.
    seen = []

    def waiting(threads):
        seen.append(threads)
        return 2.0 / threads, 1.0

    assert Machine(4, waiting).train(3 * PAUSE) == 4
    assert seen.count(2) < len(seen) / 10


def test_they_come_back_once_the_machine_is_free():
    machine = Machine(2, starving)
    assert machine.train(200) == 1
    machine.step = alone
    assert machine.train(2 * PAUSE) == 2
