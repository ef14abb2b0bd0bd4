"""The first Ctrl-C ends in order, the second at once."""

import signal
import sys
import threading

import pytest

from models.system.stop_signals import SAME, stopping

NUMBERS = (signal.SIGINT, signal.SIGTERM)


@pytest.mark.parametrize("number", NUMBERS)
def test_the_first_signal_asks_for_the_end(number: signal.Signals):
    stops: list[int] = []
    with stopping(lambda: stops.append(1)):
        signal.raise_signal(number)
    assert stops == [1]


def test_one_that_comes_twice_at_once_is_the_same():
    stops: list[int] = []
    times = iter([10.0, 10.0 + SAME / 2])
    with stopping(lambda: stops.append(1), clock=lambda: next(times)):
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
    assert stops


def test_a_later_one_ends_at_once():
    times = iter([10.0, 10.0 + SAME])
    with stopping(lambda: None, clock=lambda: next(times)):
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


@pytest.fixture
def hang_ups(request):
    """SIGHUP acts as the parameter says, also where the tests themselves run under nohup."""
    before = signal.signal(signal.SIGHUP, request.param)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGHUP")
@pytest.mark.parametrize("hang_ups", [signal.SIG_DFL], indirect=True)
def test_a_terminal_that_closes_asks_for_the_end_however_often_it_says_so(hang_ups):
    stops: list[int] = []
    times = iter([10.0, 10.0 + 2 * SAME])
    with stopping(lambda: stops.append(1), clock=lambda: next(times)):
        signal.raise_signal(signal.SIGHUP)
        signal.raise_signal(signal.SIGHUP)
    assert stops == [1, 1]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGHUP")
@pytest.mark.parametrize("hang_ups", [signal.SIG_IGN], indirect=True)
def test_under_nohup_a_terminal_may_close(hang_ups):
    stops: list[int] = []
    with stopping(lambda: stops.append(1)):
        signal.raise_signal(signal.SIGHUP)
    assert stops == []


def test_afterwards_all_is_as_it_was():
    before = [signal.getsignal(number) for number in NUMBERS]
    with pytest.raises(ZeroDivisionError), stopping(lambda: None):
        raise ZeroDivisionError
    assert [signal.getsignal(number) for number in NUMBERS] == before


def test_in_another_thread_signals_stay_as_they_are():
    done: list[bool] = []

    def work() -> None:
        with stopping(lambda: None):
            done.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(10)
    assert done == [True]
