"""When a source counts as lost, by a clock that the test turns."""

import pytest

from realtime.pipeline.watch.source_watch import SourceWatch


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_after_a_second_without_a_frame_it_is_lost_once_and_back_once(clock):
    said: list[str] = []
    watch = SourceWatch(30.0, on_message=said.append, clock=clock)
    watch.saw_frame()
    for passed in (0.9, 1.1, 1.6):
        clock.now = 100 + passed
        watch.saw_nothing(resting=False)
        assert watch.lost_for == (pytest.approx(passed) if passed > 1 else None)
    assert len(said) == 1
    watch.saw_frame()
    assert watch.lost_for is None
    assert said[1:] == ["new frames again, after 1.6 s without"]


def test_a_source_that_rests_is_not_lost_and_gets_time_to_wake(clock):
    watch = SourceWatch(30.0, clock=clock)
    for passed in (2.0, 4.0):
        clock.now = 100 + passed
        watch.saw_nothing(resting=True)
    clock.now += 0.5
    watch.saw_nothing(resting=False)
    assert watch.lost_for is None
    clock.now += 0.6
    watch.saw_nothing(resting=False)
    assert watch.lost_for == pytest.approx(1.1)


def test_a_lost_source_stays_lost_when_nobody_looks(clock):
    watch = SourceWatch(30.0, clock=clock)
    clock.now += 1.5
    watch.saw_nothing(resting=False)
    clock.now += 1.0
    watch.saw_nothing(resting=True)
    assert watch.lost_for == pytest.approx(2.5)


def test_a_slow_source_gets_the_time_of_three_frames(clock):
    watch = SourceWatch(0.5, clock=clock)
    clock.now += 5.9
    watch.saw_nothing(resting=False)
    assert watch.lost_for is None
    clock.now += 0.2
    watch.saw_nothing(resting=False)
    assert watch.lost_for is not None
