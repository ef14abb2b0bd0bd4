"""A backend that hangs or keeps failing is left behind, and a fresh one takes over."""

import threading

import numpy as np
import pytest

from models.errors import ModelError, UsageError
from realtime.inference.backends import restarting
from realtime.inference.backends.restarting import RestartingBackend
from tests.realtime.fakes import FakeBackend, card_of, opened, red_blue, wait_until


def broken(rgb):
    raise RuntimeError("device lost")


class Bench:
    """A restarting backend over a list of fakes, the fallback's apart. The test turns the clock."""

    def __init__(self, *made: FakeBackend, fallback: FakeBackend | None = None) -> None:
        self.made, self.rest, self.said = list(made), iter(made), []
        self.now = 100.0
        self.backend = RestartingBackend(
            lambda: next(self.rest),
            fallback=(lambda: fallback) if fallback else None,
            on_message=self.said.append,
            clock=lambda: self.now,
        )
        self.backend.load(card_of("one"))
        self.backend.warm_up(60, 80)

    def fails(self, match: str | None = None) -> bool:
        with pytest.raises(Exception, match=match):
            self.backend.stylize(red_blue())
        return True

    def paints(self) -> bool:
        try:
            painted = self.backend.stylize(red_blue())
        except (ModelError, RuntimeError):
            return False
        return np.array_equal(painted, 255 - red_blue())


@pytest.fixture
def hang(monkeypatch):
    monkeypatch.setattr(restarting, "PATIENCE", 0.05)
    gate = threading.Event()
    yield lambda rgb: (opened(gate), rgb)[1]
    gate.set()


def test_one_that_hangs_is_replaced_and_closed_once_it_answers(monkeypatch):
    monkeypatch.setattr(restarting, "PATIENCE", 0.05)
    gate = threading.Event()
    stuck = FakeBackend(lambda rgb: (opened(gate), rgb)[1])
    bench = Bench(stuck, FakeBackend())
    assert bench.fails("no answer")
    wait_until(bench.paints)
    assert bench.said == ["the generator was started again: fake backend, one"]
    assert not stuck.closes
    gate.set()
    wait_until(lambda: stuck.closes == 1)
    bench.backend.close()
    assert [backend.closes for backend in bench.made] == [1, 1]


def test_one_failure_passes_but_two_seconds_of_them_do_not():
    first = FakeBackend(broken)
    bench = Bench(first, FakeBackend())
    assert bench.fails("device lost")
    bench.now += 1.9
    assert bench.fails("device lost")
    assert not first.closes
    bench.now += 0.2
    assert bench.fails("device lost")
    wait_until(bench.paints)
    wait_until(lambda: first.closes == 1)


def test_the_second_restart_is_of_the_fallback_after_a_pause():
    bench = Bench(FakeBackend(broken), FakeBackend(broken), fallback=FakeBackend())
    for _ in range(2):
        wait_until(lambda: bench.fails() and bench.backend._backend is not None)
        bench.now += 2.5
        bench.fails("device lost")
    assert bench.fails("being started again")
    bench.now += 2.5
    wait_until(bench.paints)


def test_a_fresh_one_that_does_not_load_is_tried_again():
    bench = Bench(
        FakeBackend(broken), FakeBackend(load_fault=ModelError("no memory")), FakeBackend()
    )
    bench.fails()
    bench.now += 2.5
    bench.fails()

    def later() -> bool:
        bench.now += 1.0
        return bench.paints()

    wait_until(later)
    assert len(bench.said) == 1


def test_a_wrong_request_is_no_failure():
    def refuse(rgb):
        raise UsageError("too small")

    first = FakeBackend(refuse)
    bench = Bench(first)
    for _ in range(3):
        bench.fails("too small")
        bench.now += 3
    assert not first.closes


def test_close_during_a_restart_leaves_nothing_open(hang):
    gate = threading.Event()
    late = FakeBackend(load_gate=gate)
    bench = Bench(FakeBackend(hang), late)
    bench.fails("no answer")
    bench.fails("being started again")
    bench.backend.close()
    gate.set()
    wait_until(lambda: late.closes == 1)
