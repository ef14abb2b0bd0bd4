"""The pacer against a clock that the test turns by hand."""

from hypothesis import given
from hypothesis import strategies as st

from realtime.sinks.virtual_camera.fixed_rate import FixedRatePacer


class HandClock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def run(pacer: FixedRatePacer[str], clock: HandClock, seconds: float) -> list[str | None]:
    """Every item that a thread which sleeps exactly `delay` would send in that time."""
    end, sent = clock.now + seconds, []
    while clock.now + pacer.delay() < end:
        clock.now += pacer.delay()
        sent.append(pacer.tick())
    clock.now = end
    return sent


def test_nothing_is_sent_before_the_first_item():
    clock = HandClock()
    assert run(FixedRatePacer(10, clock=clock), clock, 0.35) == [None] * 4


def test_the_last_item_is_repeated_at_the_rate():
    clock = HandClock()
    pacer: FixedRatePacer[str] = FixedRatePacer(10, clock=clock)
    pacer.put("a")
    assert run(pacer, clock, 0.95) == ["a"] * 10
    pacer.put("b")
    assert run(pacer, clock, 0.2) == ["b"] * 2


def test_the_newest_item_wins():
    clock = HandClock()
    pacer: FixedRatePacer[str] = FixedRatePacer(10, clock=clock)
    pacer.put("a")
    pacer.put("b")
    assert run(pacer, clock, 0.05) == ["b"]


def test_missed_ticks_are_left_out_after_a_stall():
    clock = HandClock()
    pacer: FixedRatePacer[str] = FixedRatePacer(10, clock=clock)
    pacer.put("a")
    pacer.tick()
    clock.now += 5
    assert pacer.delay() == 0
    pacer.tick()
    assert pacer.delay() > 0.09


@given(
    fps=st.floats(1, 240),
    lateness=st.lists(st.floats(0, 0.9), min_size=1, max_size=200),
)
def test_a_late_thread_does_not_lower_the_rate(fps, lateness):
    """Late by less than one interval each time, the ticks still keep to the rate on average."""
    clock = HandClock()
    pacer: FixedRatePacer[str] = FixedRatePacer(fps, clock=clock)
    start = clock.now
    for share in lateness:
        clock.now += pacer.delay() + share / fps
        pacer.tick()
    assert clock.now - start < (len(lateness) + 1) / fps
    assert clock.now + pacer.delay() - start >= len(lateness) / fps - 1e-6
