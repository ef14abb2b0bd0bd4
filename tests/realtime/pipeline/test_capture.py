"""The thread that reads the source: limits, ends, faults, and how it stops."""

import threading
import time
from dataclasses import replace

import cv2
import pytest

from models.errors import SourceFault, UsageError
from realtime.frames.frame import Frame
from realtime.pipeline import capture as capture_module
from realtime.pipeline.capture import Capture, Limits
from realtime.pipeline.queues import BoundedQueue, Mailbox
from tests.realtime.fakes import DEADLINE, FakeSource, make_frames, opened, wait_until

GONE = SourceFault("camera 0: no picture for 2 s; is it plugged in?")


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch):
    monkeypatch.setattr(capture_module, "FIRST_BACKOFF", 0.001)
    monkeypatch.setattr(capture_module, "LONGEST_BACKOFF", 0.004)


def read_all(source: FakeSource, **options) -> tuple[list[int], Capture]:
    """The indices of what came out, and the capture after its end."""
    line: BoundedQueue[Frame] = BoundedQueue(4)
    capture = Capture(source, **options)
    assert capture.open() == source.format
    capture.start_reading(line)
    taken = []
    while (frame := line.take(DEADLINE)) is not None:
        taken.append(frame.index)
    assert line.closed
    capture.stop()
    assert_ended(source)
    return taken, capture


def assert_ended(source: FakeSource) -> None:
    assert not any(thread.name == "capture" for thread in threading.enumerate())
    assert source.closes >= 1


def test_every_frame_comes_in_order_then_the_end():
    taken, capture = read_all(FakeSource(make_frames(20)))
    assert taken == list(range(20))
    assert capture.error is None


@pytest.mark.parametrize("count", [1, 7])
def test_a_limit_of_frames_is_exact_and_reads_no_more(count: int):
    source = FakeSource(make_frames(20))
    taken, _ = read_all(source, limits=Limits(frames=count))
    assert taken == list(range(count))
    assert source.reads == count


def test_a_limit_of_seconds_is_on_the_sources_own_time_line():
    taken, _ = read_all(FakeSource(make_frames(20)), limits=Limits(seconds=0.5))
    assert taken == [0, 1, 2, 3, 4]


def test_the_limit_that_is_reached_first_counts():
    taken, _ = read_all(FakeSource(make_frames(20)), limits=Limits(frames=3, seconds=0.5))
    assert taken == [0, 1, 2]


def test_nothing_is_read_before_it_is_asked_for():
    source = FakeSource(make_frames(3))
    capture = Capture(source)
    capture.open()
    capture.stop()
    assert source.reads == 0
    assert_ended(source)


def test_stop_before_open_is_harmless():
    capture = Capture(FakeSource([]))
    capture.stop()


def test_the_newest_frame_of_an_ended_source_is_still_there():
    mailbox: Mailbox[Frame] = Mailbox()
    source = FakeSource(make_frames(5))
    capture = Capture(source)
    capture.open()
    capture.start_reading(mailbox)
    wait_until(lambda: source.closes)
    last = mailbox.take(timeout=DEADLINE)
    assert last is not None
    assert last.index == 4
    assert mailbox.closed
    assert mailbox.dropped == 4
    capture.stop()


@pytest.mark.parametrize("error", [UsageError("no camera 3"), SourceFault("camera 3 is busy")])
def test_what_opening_raises_comes_out_of_open(error: Exception):
    source = FakeSource([], open_faults=[error])
    with pytest.raises(type(error), match=str(error)):
        Capture(source).open()
    assert_ended(source)


def test_an_unexpected_error_of_opening_is_one_line():
    source = FakeSource([], open_faults=[ValueError("bad handle")])
    with pytest.raises(SourceFault, match=r"^the source failed: ValueError: bad handle$"):
        Capture(source).open()
    assert_ended(source)


def test_without_reconnecting_a_fault_is_the_end_and_the_error():
    source = FakeSource([*make_frames(3), GONE, *make_frames(3)])
    taken, capture = read_all(source)
    assert taken == [0, 1, 2]
    assert capture.error is GONE
    assert source.opens == 1


def test_an_unexpected_error_of_reading_is_one_line():
    _, capture = read_all(FakeSource([*make_frames(1), OSError(5, "Input/output error")]))
    assert isinstance(capture.error, SourceFault)
    assert "Input/output error" in str(capture.error)
    assert "\n" not in str(capture.error)


def test_a_source_that_cannot_be_closed_is_an_error_but_ends():
    source = FakeSource(make_frames(2))
    closing = source.close

    def close() -> None:
        closing()
        raise RuntimeError("stuck")

    source.close = close  # type: ignore[method-assign]
    taken, capture = read_all(source)
    assert taken == [0, 1]
    assert "could not be closed: stuck" in str(capture.error)


def test_a_lost_source_is_opened_again_and_goes_on():
    frames = make_frames(5)
    said: list[str] = []
    source = FakeSource(
        [*frames[:2], GONE, *frames[2:]],
        open_faults=[None, SourceFault("still gone"), UsageError("no such device"), None],
    )
    taken, capture = read_all(source, reconnect=DEADLINE, on_message=said.append)
    assert taken == [0, 1, 2, 3, 4]
    assert capture.error is None
    assert source.opens == 4
    assert said == [f"{GONE}; retrying for 10 s", "the source is available again"]


def test_whatever_a_device_raises_it_is_opened_again():
    class Raising(FakeSource):
        def close(self) -> None:
            super().close()
            if self.closes == 1:
                raise RuntimeError("release failed")

    frames = make_frames(2)
    said: list[str] = []
    source = Raising(
        [frames[0], cv2.error("bad frame\nin some file"), frames[1]],
        open_faults=[None, OSError(19, "No such device"), ValueError("bad handle"), None],
    )
    taken, capture = read_all(source, reconnect=DEADLINE, on_message=said.append)
    assert taken == [0, 1]
    assert capture.error is None
    assert said == [
        "the source failed: error: bad frame; retrying for 10 s",
        "the source is available again",
    ]


def test_two_outages_are_two():
    frames = make_frames(3)
    said: list[str] = []
    source = FakeSource([frames[0], GONE, frames[1], GONE, frames[2]])
    taken, _ = read_all(source, reconnect=DEADLINE, on_message=said.append)
    assert taken == [0, 1, 2]
    assert said.count("the source is available again") == 2


def test_a_source_that_gives_one_frame_each_time_is_given_up_too():
    flaky = [step for frame in make_frames(1000) for step in (frame, GONE)]
    said: list[str] = []
    taken, capture = read_all(FakeSource(flaky), reconnect=0.1, on_message=said.append)
    assert capture.error is GONE
    assert 1 < len(taken) < 1000


def test_a_limit_of_seconds_shortens_the_last_picture():
    frames = enumerate(make_frames(3))
    long = [replace(frame, timestamp=float(i), duration=1.0) for i, frame in frames]
    queue: BoundedQueue[Frame] = BoundedQueue(10)
    capture = Capture(FakeSource(long), limits=Limits(seconds=1.25))
    capture.open()
    capture.start_reading(queue)
    assert queue.take(timeout=5).duration == 1.0
    assert queue.take(timeout=5).duration == 0.25
    assert queue.take(timeout=5) is None
    capture.stop()


def test_patience_ends_with_the_first_fault():
    source = FakeSource([*make_frames(1), GONE], open_faults=[None, *[SourceFault("later")] * 1000])
    said: list[str] = []
    taken, capture = read_all(source, reconnect=0.05, on_message=said.append)
    assert taken == [0]
    assert capture.error is GONE
    assert source.opens > 2
    assert len(said) == 1


def test_a_source_that_opens_but_never_reads_is_given_up_too():
    source = FakeSource([*make_frames(1), *[GONE] * 10_000])
    said: list[str] = []
    taken, capture = read_all(source, reconnect=0.05, on_message=said.append)
    assert taken == [0]
    assert capture.error is GONE
    assert said == [f"{GONE}; retrying for 0.05 s"]


def test_stop_ends_the_waiting_for_a_lost_source_without_an_error(monkeypatch):
    monkeypatch.setattr(capture_module, "FIRST_BACKOFF", DEADLINE)
    source = FakeSource([GONE])
    said: list[str] = []
    capture = Capture(source, reconnect=10 * DEADLINE, on_message=said.append)
    capture.open()
    capture.start_reading(Mailbox())
    wait_until(lambda: said)
    began = time.monotonic()
    capture.stop()
    assert time.monotonic() - began < DEADLINE / 2
    assert capture.error is None
    assert_ended(source)


def test_stop_ends_a_capture_that_waits_for_room():
    line: BoundedQueue[Frame] = BoundedQueue(1)
    source = FakeSource(make_frames(100))
    capture = Capture(source)
    capture.open()
    capture.start_reading(line)
    wait_until(lambda: source.reads == 2)
    capture.stop()
    capture.stop()
    assert_ended(source)
    assert capture.error is None


def test_a_source_that_blocks_is_left_behind_and_closes_itself_later(monkeypatch):
    monkeypatch.setattr(capture_module, "STOP_TIMEOUT", 0.05)
    gate, reading = threading.Event(), threading.Event()
    source = FakeSource([lambda: (reading.set(), opened(gate))])
    queue: Mailbox[Frame] = Mailbox()
    capture = Capture(source)
    capture.open()
    capture.start_reading(queue)
    assert reading.wait(DEADLINE)
    capture.stop()
    assert queue.closed
    assert source.closes == 0, "no thread but its own may close it"
    gate.set()
    wait_until(lambda: source.closes == 1)


def test_the_wait_for_a_blocked_source_is_short():
    assert capture_module.STOP_TIMEOUT <= 3


def test_while_it_is_idle_it_reads_rarely_and_wakes_when_it_is_not(monkeypatch):
    monkeypatch.setattr(capture_module, "IDLE_INTERVAL", 1000.0)
    monkeypatch.setattr(capture_module, "IDLE_POLL", 0.001)
    idle = threading.Event()
    idle.set()
    source, box = FakeSource(make_frames(20), live=True), Mailbox[Frame]()
    asked = threading.Event()

    def is_idle() -> bool:
        asked.set()
        return idle.is_set()

    capture = Capture(source, idle=is_idle)
    capture.open()
    capture.start_reading(box)
    assert asked.wait(DEADLINE)
    assert source.reads == 1, "the first frame comes at once, the second not"
    idle.clear()
    wait_until(lambda: box.closed or source.reads == 21)
    capture.stop()
    assert_ended(source)


def test_a_resting_source_is_stopped_at_once():
    source, asked = FakeSource(make_frames(20), live=True), threading.Event()
    capture = Capture(source, idle=lambda: asked.set() or True)
    capture.open()
    capture.start_reading(Mailbox[Frame]())
    assert asked.wait(DEADLINE)
    capture.stop()
    assert_ended(source)
    assert source.reads == 1


class Renewable(FakeSource):
    """A source that a fresh one can replace."""

    def __init__(self, script, fresh: FakeSource | None = None) -> None:
        super().__init__(script, live=True)
        self.fresh = fresh

    def renewed(self) -> FakeSource | None:
        return self.fresh


def test_a_source_that_hangs_is_replaced_and_closes_itself_when_it_returns(monkeypatch):
    monkeypatch.setattr(capture_module, "STUCK", 0.05)
    monkeypatch.setattr(capture_module, "FIRST_BACKOFF", 0.01)
    first, late, *rest = make_frames(5)
    gate, said = threading.Event(), []
    fresh = FakeSource(rest, live=True)
    stuck = Renewable([first, lambda: opened(gate), late], fresh)
    capture, queue = Capture(stuck, reconnect=5.0, on_message=said.append), BoundedQueue(9)
    capture.open()
    capture.start_reading(queue)
    taken = []
    while not queue.closed:
        if (frame := queue.take(0.01)) is not None:
            taken.append(frame.index)
        capture.replace_if_stuck()
    assert taken == [0, 2, 3, 4]
    assert said == [
        "the source does not answer; opening it afresh",
        "the source is available again",
    ]
    assert not stuck.closes
    gate.set()
    wait_until(lambda: stuck.closes)
    capture.stop()
    assert capture.error is None
    assert fresh.closes


def test_one_that_hangs_again_and_again_is_given_up_after_the_time_for_reconnecting(monkeypatch):
    monkeypatch.setattr(capture_module, "STUCK", 0.02)
    monkeypatch.setattr(capture_module, "FIRST_BACKOFF", 0.01)
    gate = threading.Event()

    def hanging() -> Renewable:
        source = Renewable([lambda: opened(gate)])
        source.renewed = hanging  # type: ignore[method-assign]
        return source

    capture, queue = Capture(hanging(), reconnect=0.2), BoundedQueue(9)
    capture.open()
    capture.start_reading(queue)
    while not queue.closed:
        assert queue.take(0.01) is None
        capture.replace_if_stuck()
    wait_until(lambda: capture.error)
    assert "does not answer" in str(capture.error)
    gate.set()
    capture.stop()


@pytest.mark.parametrize("reconnect", [0.0, 5.0])
def test_what_cannot_be_replaced_is_waited_for(monkeypatch, reconnect):
    monkeypatch.setattr(capture_module, "STUCK", 0.0)
    gate = threading.Event()
    source = FakeSource([lambda: opened(gate), *make_frames(1)])
    capture, queue = Capture(source, reconnect=reconnect), BoundedQueue(9)
    capture.open()
    capture.start_reading(queue)
    capture.replace_if_stuck()
    gate.set()
    assert queue.take(DEADLINE).index == 0
    capture.stop()


def test_a_source_that_nobody_watches_is_closed_and_opened_for_who_comes(monkeypatch):
    monkeypatch.setattr(capture_module, "IDLE_INTERVAL", 0.01)
    monkeypatch.setattr(capture_module, "CLOSE_AFTER", 0.05)
    monkeypatch.setattr(capture_module, "IDLE_POLL", 0.001)
    idle = threading.Event()
    idle.set()
    source = FakeSource(make_frames(50), live=True)
    box = Mailbox[Frame]()
    capture = Capture(source, idle=idle.is_set)
    capture.open()
    capture.start_reading(box)
    wait_until(lambda: source.closes == 1)
    reads = source.reads
    assert 1 <= reads < 50
    time.sleep(0.05)
    assert (source.reads, source.opens) == (reads, 1)
    idle.clear()
    wait_until(lambda: source.reads > reads)
    assert source.opens == 2
    capture.stop()


def test_a_camera_that_somebody_took_meanwhile_is_waited_for(monkeypatch):
    for name, seconds in (("IDLE_INTERVAL", 0.01), ("CLOSE_AFTER", 0.02), ("IDLE_POLL", 0.001)):
        monkeypatch.setattr(capture_module, name, seconds)
    monkeypatch.setattr(capture_module, "FIRST_BACKOFF", 0.01)
    idle, said = threading.Event(), []
    idle.set()
    faults = [None, SourceFault("in use"), SourceFault("in use")]
    source = FakeSource(make_frames(50), live=True, open_faults=faults)
    capture = Capture(source, idle=idle.is_set, reconnect=5.0, on_message=said.append)
    capture.open()
    capture.start_reading(Mailbox[Frame]())
    wait_until(lambda: source.closes == 1)
    reads = source.reads
    idle.clear()
    wait_until(lambda: source.reads > reads)
    assert said == ["in use; retrying for 5 s", "the source is available again"]
    capture.stop()
