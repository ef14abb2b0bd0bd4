"""Sinks side by side: none delays or ends another, and each is finished."""

import threading
import time

import numpy as np
import pytest

from models.errors import SinkFault, StylecamError, UsageError
from realtime.frames.frame import Frame, FrameFormat
from realtime.frames.size import Size
from realtime.pipeline import sink_runner as outputs_module
from realtime.pipeline.metrics import Metrics
from realtime.pipeline.sink_runner import QUEUE_SIZE, SinkGroup, SinkRunner
from realtime.pipeline.watch import drop_watch
from tests.realtime.fakes import DEADLINE, FakeSink, frame_of, make_frames, opened, wait_until

FORMAT = FrameFormat(80, 60, fps=10.0, live=False)
FULL = SinkFault("out.mp4: the disk is full; make room")


class Stage:
    """Outputs with these sinks, started; `told` is what was reported."""

    def __init__(self, *sinks: FakeSink, lossless: bool = True, local: tuple[str, ...] = ()):
        self.told: list[StylecamError] = []
        self.metrics = Metrics()
        self.outputs = SinkGroup(self.told.append)
        self.each = [
            SinkRunner(sink, self.metrics, lossless=lossless, local=sink.name in local)
            for sink in sinks
        ]

    def start(self) -> "Stage":
        self.outputs.start(self.each, FORMAT)
        return self

    def put(self, *frames: Frame) -> None:
        for frame in frames:
            self.outputs.put(frame, lambda frame=frame: frame)


def assert_no_thread_of(*sinks: FakeSink) -> None:
    names = {thread.name for thread in threading.enumerate()}
    assert not names & {sink.name for sink in sinks}


def test_every_sink_is_opened_given_every_frame_and_closed():
    sinks = FakeSink("a"), FakeSink("b")
    stage = Stage(*sinks).start()
    stage.put(*make_frames(30))
    stage.outputs.finish()
    for sink in sinks:
        assert sink.format == FORMAT
        assert sink.indices == list(range(30))
        assert sink.closes == 1
    assert not stage.outputs.alive
    assert stage.told == stage.outputs.errors == []
    assert_no_thread_of(*sinks)


def test_a_sink_lives_in_one_thread_of_its_own():
    a, b = FakeSink("a"), FakeSink("b")
    stage = Stage(a, b).start()
    stage.put(*make_frames(5))
    stage.outputs.finish()
    assert len(a.threads) == len(b.threads) == 1
    assert a.threads != b.threads
    assert threading.current_thread() not in a.threads | b.threads


@pytest.mark.parametrize("fault", [FULL, RuntimeError("no codec")])
def test_a_sink_that_fails_ends_alone(fault: Exception):
    bad = FakeSink("bad", write_fault=fault, fails_at=2)
    good = FakeSink("good")
    stage = Stage(bad, good).start()
    stage.put(*make_frames(50))
    wait_until(lambda: not stage.each[0].alive)
    assert stage.outputs.alive
    stage.outputs.finish()
    assert good.indices == list(range(50))
    assert bad.indices == [0, 1]
    assert bad.closes == 1
    [error] = stage.told
    assert isinstance(error, SinkFault)
    assert str(fault) in str(error)
    assert stage.outputs.errors == [error]


def test_one_that_cannot_be_opened_ends_the_start_and_closes_the_others():
    good, bad, never = FakeSink("good"), FakeSink("bad", open_fault=FULL), FakeSink("never")
    with pytest.raises(SinkFault) as caught:
        Stage(good, bad, never).start()
    assert caught.value is FULL
    assert good.closes == bad.closes == 1
    assert never.format is None
    assert_no_thread_of(good, bad, never)


@pytest.mark.parametrize("main_thread", [False, True])
def test_one_that_fails_to_open_and_to_close_does_not_hang_the_start(main_thread: bool):
    bad = FakeSink(
        "bad",
        main_thread=main_thread,
        open_fault=RuntimeError("no display"),
        close_fault=RuntimeError("not open"),
    )
    with pytest.raises(SinkFault, match=r"^bad: RuntimeError: no display$"):
        Stage(bad).start()
    assert_no_thread_of(bad)


def test_a_usage_error_of_opening_stays_one():
    with pytest.raises(UsageError, match="no folder"):
        Stage(FakeSink(open_fault=UsageError("x/out.mp4: there is no folder x"))).start()


def test_a_slow_lossless_sink_holds_up_the_writer_and_gets_every_frame():
    go = threading.Semaphore(0)
    slow = FakeSink("slow", before_write=lambda _: go.acquire(timeout=DEADLINE))
    stage = Stage(slow).start()
    frames = make_frames(40)
    writer = threading.Thread(target=stage.put, args=frames, daemon=True)
    writer.start()
    writer.join(0.05)
    assert writer.is_alive(), "the writer ran ahead of the sink"
    for _ in frames:
        go.release()
    writer.join(DEADLINE)
    stage.outputs.finish()
    assert slow.indices == list(range(40))
    assert stage.outputs.dropped == 0


def test_a_slow_live_sink_gets_the_newest_and_delays_nobody():
    gate, writing = threading.Event(), threading.Event()
    slow = FakeSink("slow", live=True, before_write=lambda _: (writing.set(), opened(gate)))
    quick = FakeSink("quick")
    stage = Stage(slow, quick).start()
    frames = make_frames(30)
    stage.put(frames[0])
    assert writing.wait(DEADLINE)
    stage.put(*frames[1:])
    wait_until(lambda: len(quick.frames) == 30)
    gate.set()
    stage.outputs.finish()
    assert slow.indices == [0, 29]
    assert stage.outputs.dropped == 28


def test_in_a_live_run_a_slow_file_loses_the_oldest_and_delays_nobody():
    gate, writing = threading.Event(), threading.Event()
    slow = FakeSink("slow", before_write=lambda _: (writing.set(), opened(gate)))
    stage = Stage(slow, lossless=False).start()
    frames = make_frames(30)
    stage.put(frames[0])
    assert writing.wait(DEADLINE)
    stage.put(*frames[1:])
    gate.set()
    stage.outputs.finish()
    assert slow.indices == [0, *range(30 - QUEUE_SIZE, 30)]
    assert stage.outputs.dropped == 29 - QUEUE_SIZE


@pytest.mark.parametrize("lossless", [False, True])
def test_in_a_live_run_no_picture_waits_long_for_a_slow_file(monkeypatch, lossless: bool):
    """What waits is lost when the process is killed; where nothing may be missed, it stays."""
    monkeypatch.setattr(outputs_module, "LONGEST_WAIT", 0.1)
    gate, writing = threading.Event(), threading.Event()
    slow = FakeSink("slow", before_write=lambda _: (writing.set(), opened(gate)))
    stage = Stage(slow, lossless=lossless).start()
    frames = make_frames(4)
    stage.put(frames[0])
    assert writing.wait(DEADLINE)
    stage.put(*frames[1:3])
    time.sleep(0.15)
    stage.put(frames[3])
    gate.set()
    stage.outputs.finish()
    assert slow.indices == ([0, 1, 2, 3] if lossless else [0, 3])


@pytest.mark.parametrize("lossless", [False, True])
def test_a_file_too_slow_for_a_live_run_is_told_once(monkeypatch, lossless: bool):
    monkeypatch.setattr(drop_watch, "PERIOD", 0.0)
    room = threading.Semaphore(0)
    slow = FakeSink("out.mp4", before_write=lambda _: room.acquire(timeout=DEADLINE))
    said: list[str] = []
    stage = Stage(slow, lossless=lossless)
    stage.outputs = SinkGroup(stage.told.append, said.append)
    stage.start()
    stage.put(*make_frames(QUEUE_SIZE))
    if not lossless:
        stage.put(*make_frames(60))
    for _ in range(100):
        room.release()
    stage.outputs.finish()
    told = ["out.mp4: too slow: most pictures are dropped; " + outputs_module.FASTER]
    assert said == ([] if lossless else told)


def test_finish_writes_what_is_waiting_before_it_closes():
    gate = threading.Event()
    sink = FakeSink(before_write=lambda _: opened(gate))
    stage = Stage(sink).start()
    stage.put(*make_frames(QUEUE_SIZE))
    threading.Timer(0.01, gate.set).start()
    stage.outputs.finish()
    assert sink.indices == list(range(QUEUE_SIZE))
    assert sink.closes == 1


def test_a_window_is_driven_by_the_callers_thread_alone():
    window = FakeSink("window", live=True, main_thread=True)
    stage = Stage(window).start()
    stage.put(*make_frames(1))
    stage.outputs.pump(0.001)
    for _ in range(3):
        stage.outputs.pump(0.001)
    stage.outputs.finish()
    assert window.threads == {threading.current_thread()}
    assert window.indices == [0]
    assert window.pumps == 3, "keys are read without new frames too"
    assert window.closes == 1


def test_a_window_that_fails_is_told_by_the_pump():
    window = FakeSink("window", live=True, main_thread=True, write_fault=SinkFault("closed"))
    stage = Stage(window).start()
    stage.put(*make_frames(1))
    stage.outputs.pump(0.001)
    stage.outputs.pump(0.001)
    assert [str(error) for error in stage.told] == ["closed"]
    assert not stage.outputs.alive


def test_a_sink_that_cannot_be_finished_is_told():
    sink = FakeSink("out.mp4", close_fault=RuntimeError("no trailer"))
    stage = Stage(sink).start()
    stage.put(*make_frames(2))
    stage.outputs.finish()
    assert [str(error) for error in stage.told] == ["out.mp4: could not be finished: no trailer"]


@pytest.mark.parametrize("live", [False, True])
def test_a_sink_that_hangs_is_given_up_with_an_error(monkeypatch, live: bool):
    monkeypatch.setattr(outputs_module, "FINISH_TIMEOUT", 0.05)
    monkeypatch.setattr(outputs_module, "LIVE_CLOSE_TIMEOUT", 0.05)
    gate = threading.Event()
    stuck = FakeSink("stuck", live=live, before_write=lambda _: opened(gate))
    fine = FakeSink("fine")
    stage = Stage(stuck, fine).start()
    stage.put(*make_frames(3))
    stage.outputs.finish()
    gate.set()
    assert fine.indices == [0, 1, 2]
    assert fine.closes == 1
    [error] = stage.told
    assert str(error).startswith("stuck: does not respond")
    wait_until(lambda: stuck.closes)


def test_nobody_waits_long_for_a_live_sink():
    assert outputs_module.LIVE_CLOSE_TIMEOUT <= 5


def test_sinks_join_and_leave_while_the_others_go_on():
    first, second = FakeSink("first"), FakeSink("second")
    stage = Stage(first).start()
    frames = make_frames(30)
    stage.put(*frames[:10])
    guest = SinkRunner(second, stage.metrics, lossless=True, local=False)
    stage.outputs.add(guest, FORMAT)
    stage.put(*frames[10:20])
    stage.outputs.remove(guest)
    assert second.closes == 1
    stage.put(*frames[20:])
    stage.outputs.finish()
    assert first.indices == list(range(30))
    assert second.indices == list(range(10, 20))


def test_one_that_joins_in_vain_leaves_the_others_alone():
    first = FakeSink("first")
    stage = Stage(first).start()
    guest = SinkRunner(FakeSink(open_fault=FULL), stage.metrics, lossless=True, local=False)
    with pytest.raises(SinkFault):
        stage.outputs.add(guest, FORMAT)
    stage.put(*make_frames(3))
    stage.outputs.finish()
    assert first.indices == [0, 1, 2]
    assert stage.told == []


def test_what_a_leaving_sink_dropped_still_counts():
    gate, writing = threading.Event(), threading.Event()
    slow = FakeSink("slow", live=True, before_write=lambda _: (writing.set(), opened(gate)))
    stage = Stage(slow).start()
    frames = make_frames(4)
    stage.put(frames[0])
    assert writing.wait(DEADLINE)
    stage.put(*frames[1:])
    gate.set()
    stage.outputs.remove(stage.each[0])
    assert stage.outputs.dropped == 2


def test_joining_and_leaving_at_once_loses_no_sink():
    """Recordings leave in one thread while the next one joins in another."""
    stage = Stage(FakeSink("always")).start()

    def come_and_go() -> None:
        for _ in range(25):
            guest = SinkRunner(FakeSink("guest"), stage.metrics, lossless=True, local=False)
            stage.outputs.add(guest, FORMAT)
            stage.outputs.remove(guest)

    threads = [threading.Thread(target=come_and_go, daemon=True) for _ in range(3)]
    for thread in threads:
        thread.start()
    stage.put(*make_frames(100))
    for thread in threads:
        thread.join(DEADLINE)
    stage.outputs.finish()
    assert stage.each[0].sink.indices == list(range(100))  # type: ignore[attr-defined]
    assert_no_thread_of(FakeSink("guest"), FakeSink("always"))


def test_text_is_for_local_sinks_only_and_drawn_once():
    seen, sent, other = FakeSink("window"), FakeSink("file"), FakeSink("terminal")
    stage = Stage(seen, sent, other, local=("window", "terminal")).start()
    drawn: list[Frame] = []

    def decorated() -> Frame:
        drawn.append(frame_of(np.full((60, 80, 3), 99, np.uint8)))
        return drawn[-1]

    [frame] = make_frames(1)
    stage.outputs.put(frame, decorated)
    stage.outputs.finish()
    assert sent.frames == [frame]
    assert seen.frames == other.frames == drawn
    assert len(drawn) == 1


def test_text_is_not_drawn_for_nobody():
    stage = Stage(FakeSink("file")).start()

    def decorated() -> Frame:
        raise AssertionError("nobody looks at it")

    stage.outputs.put(make_frames(1)[0], decorated)
    stage.outputs.finish()


def test_repeats_go_to_live_sinks_only():
    live, file = FakeSink("live", live=True), FakeSink("file")
    stage = Stage(live, file).start()
    frame = make_frames(1)[0]
    stage.outputs.put(frame, lambda: frame, only_live=True)
    stage.outputs.finish()
    assert live.frames == [frame]
    assert file.frames == []


def test_a_writer_held_up_by_a_dying_sink_goes_on():
    """The fault of a full line's reader must let the painting thread go."""
    gate = threading.Event()
    dying = FakeSink("dying", write_fault=FULL, before_write=lambda _: opened(gate))
    stage = Stage(dying, local=("dying",)).start()
    begun: list[Frame] = []

    def write() -> None:
        for frame in make_frames(100):
            stage.outputs.put(frame, lambda frame=frame: begun.append(frame) or frame)

    writer = threading.Thread(target=write, daemon=True)
    writer.start()
    # One is being written, the line is full, and the next one waits.
    wait_until(lambda: len(begun) == QUEUE_SIZE + 2)
    gate.set()
    writer.join(DEADLINE)
    assert not writer.is_alive()
    stage.outputs.finish()
    assert stage.told == [FULL]


def test_the_age_of_a_frame_at_the_sink_is_measured():
    stage = Stage(FakeSink()).start()
    old = make_frames(1)[0]
    stage.put(Frame(old.rgb, 0, time.monotonic() - 5, 0.0))
    stage.outputs.finish()
    assert 5000 <= stage.metrics.percentiles("latency").p50 < 5000 + 1000 * DEADLINE


def test_a_sink_is_opened_and_written_in_the_size_that_it_accepts():
    even = FakeSink("even")
    even.accepted_size = lambda offered: Size(offered.width // 2, offered.height)
    other = FakeSink("other")
    stage = Stage(even, other).start()
    stage.put(*make_frames(2))
    stage.outputs.finish()
    assert (even.format.width, even.format.height) == (40, 60)
    assert {frame.rgb.shape for frame in even.frames} == {(60, 40, 3)}
    assert {frame.rgb.shape for frame in other.frames} == {(60, 80, 3)}


def test_a_sink_that_need_not_be_pumped_is_left_alone_between_frames():
    calm, busy = FakeSink("calm"), FakeSink("busy")
    calm.pump_interval, busy.pump_interval = None, 0.001
    stage = Stage(calm, busy).start()
    wait_until(lambda: busy.pumps >= 3)
    assert calm.pumps == 0
    stage.outputs.finish()


def test_a_sink_that_hangs_is_told_once_and_holds_up_no_other(monkeypatch):
    monkeypatch.setattr(outputs_module, "STUCK", 0.05)
    gate = threading.Event()
    hangs = FakeSink("call", live=True, before_write=lambda _: opened(gate))
    other = FakeSink("page", live=True)
    said: list[str] = []
    stage = Stage(hangs, other)
    stage.outputs = SinkGroup(stage.told.append, said.append)
    stage.start()
    for index, frame in enumerate(make_frames(20)):
        stage.put(frame)
        wait_until(lambda index=index: len(other.frames) > index)
    wait_until(lambda: (stage.outputs.pump(0), said)[1])
    assert len(other.frames) == 20
    gate.set()
    wait_until(lambda: (stage.outputs.pump(0), len(said) > 1)[1])
    assert said == ["call: has taken no picture for 0.05 s", "call: takes pictures again"]
    stage.outputs.finish()
    assert not stage.told
