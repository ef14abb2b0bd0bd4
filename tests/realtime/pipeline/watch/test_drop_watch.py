"""A sink is too slow when its queue drops more than it takes, and not by one hiccup."""

from realtime.pipeline.watch.drop_watch import PERIOD, DropWatch


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_most_dropped_over_a_period_is_too_slow():
    clock = Clock()
    watch = DropWatch(clock)
    assert not watch.too_slow(taken=0, dropped=90), "the period is not over"
    clock.now += PERIOD
    assert watch.too_slow(taken=40, dropped=110)


def test_each_period_is_judged_by_itself():
    clock = Clock()
    watch = DropWatch(clock)
    clock.now += PERIOD
    assert not watch.too_slow(taken=140, dropped=10)
    clock.now += PERIOD
    assert watch.too_slow(taken=170, dropped=130), "most of these were dropped, not of all"
    clock.now += PERIOD
    assert not watch.too_slow(taken=320, dropped=130)


def test_a_source_that_gives_nothing_makes_no_sink_slow():
    clock = Clock()
    watch = DropWatch(clock)
    clock.now += 2 * PERIOD
    assert not watch.too_slow(taken=0, dropped=0)
