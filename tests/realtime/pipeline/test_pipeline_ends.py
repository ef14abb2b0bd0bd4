"""How a run ends, whatever ends it: files are whole, all is closed, no thread is left."""

import threading
from collections.abc import Callable, Iterable
from itertools import count

import numpy as np
import pytest

from models.errors import SinkFault, SourceFault, UsageError
from realtime.control.state import Settings, SettingsStore
from realtime.control.verbs import VERBS
from realtime.frames.frame import Frame
from realtime.inference.stylizer import Stylizer
from realtime.pipeline import capture as capture_module
from realtime.pipeline import sink_runner as outputs_module
from realtime.pipeline.capture import Limits
from realtime.pipeline.pipeline import Pipeline, Plan
from realtime.pipeline.saving import SaveTargets
from realtime.sinks import Sink
from tests.realtime.fakes import (
    DEADLINE,
    FakeBackend,
    FakeSink,
    FakeSource,
    card_of,
    make_frames,
    opened,
    wait_until,
)

GONE = SourceFault("camera 0: gone; plug it in again")
FULL = SinkFault("out.mp4: the disk is full; make room")
Script = Iterable[Frame | Exception | Callable[[], object]]


@pytest.fixture(autouse=True)
def nothing_is_left(monkeypatch):
    """After a run no thread is alive that was not there before."""
    monkeypatch.setattr(capture_module, "STOP_TIMEOUT", 0.3)
    before = set(threading.enumerate())
    yield
    left = set(threading.enumerate()) - before
    assert not left


class Run:
    """A pipeline of fakes. `said` is what the user was told."""

    def __init__(self, script: Script, *sinks: FakeSink, **plan) -> None:
        self.said: list[str] = []
        self.source, self.backend, self.sinks = FakeSource(script), FakeBackend(), sinks
        self.box = SettingsStore(Settings(styles=("one",), style="one"))
        stylizer = Stylizer(card_of, lambda _: self.backend, keep=2)
        stylizer.load("one")
        plan = {"live": False, "on_message": self.said.append} | plan
        self.pipeline = Pipeline(self.source, stylizer, list[Sink](sinks), self.box, Plan(**plan))

    def press(self, *verbs: str) -> None:
        for verb in verbs:
            self.box.apply(VERBS[verb])

    def go(self) -> None:
        self.pipeline.start()
        self.pipeline.run()
        self.check_closed()

    def fails_with(self, error: type[BaseException]) -> BaseException:
        with pytest.raises(error) as caught:
            self.go()
        self.check_closed()
        return caught.value

    def check_closed(self) -> None:
        assert self.source.closes
        assert self.backend.closes == 1
        assert [sink.closes for sink in self.sinks] == [1] * len(self.sinks)


def shown_by(sink: FakeSink, frames: int) -> Callable[[], None]:
    """For a source's script: wait until the sink has got so many."""
    return lambda: wait_until(lambda: len(sink.frames) >= frames)


def endless(sink: FakeSink, then: Callable[[], object] = lambda: None) -> Script:
    """Frames without end; after the third was shown, `then` is called once."""
    for frame in make_frames(3):
        yield frame
        yield shown_by(sink, frame.index + 1)
    yield then
    for index in count(3):
        yield Frame(frame.rgb, index, frame.captured, index / 10)


def dawdle(_: Frame) -> None:
    threading.Event().wait(0.001)


@pytest.mark.parametrize("verbs", [("quit",), ("pause", "quit"), ("record", "quit")])
@pytest.mark.parametrize("live", [False, True])
def test_quit_ends_it_in_every_state(live: bool, verbs: tuple[str, ...]):
    sink, recorder = FakeSink(), FakeSink("file:a.mp4")
    keep = SaveTargets(recording=lambda: recorder)
    run = Run(endless(sink, lambda: run.press(*verbs)), sink, live=live, keep=keep)
    run.go()
    assert sink.indices[:3] == [0, 1, 2]
    assert recorder.closes == (recorder.format is not None)


def test_a_recording_at_the_end_is_finished():
    sink, recorder = FakeSink(), FakeSink("file:a.mp4", before_write=dawdle)
    run = Run(make_frames(6), sink, keep=SaveTargets(recording=lambda: recorder))
    run.press("record")
    run.go()
    assert recorder.indices == list(range(6))
    assert recorder.closes == 1
    assert "recorded: a.mp4" in run.said


def test_a_recording_has_exactly_the_frames_between_the_keys():
    frames, sink, recorders = make_frames(12), FakeSink(), []

    def recording() -> FakeSink:
        recorders.append(FakeSink(f"file:{len(recorders)}.mp4"))
        return recorders[-1]

    def press(shown: int) -> Callable[[], object]:
        return lambda: (shown_by(sink, shown)(), run.press("record"))

    script = [*frames[:2], press(2), *frames[2:5], press(5), *frames[5:7], press(7), *frames[7:]]
    run = Run(script, sink, keep=SaveTargets(recording=recording))
    run.go()
    assert sink.indices == list(range(12))
    assert [recorder.indices for recorder in recorders] == [[2, 3, 4], [7, 8, 9, 10, 11]]


def test_a_recording_that_dies_is_told_once_and_is_the_error_at_the_end():
    frames, sink = make_frames(8), FakeSink()
    recorder = FakeSink("file:a.mp4", write_fault=FULL)
    run = Run(
        [*frames[:2], lambda: wait_until(lambda: recorder.closes), *frames[2:]],
        sink,
        keep=SaveTargets(recording=lambda: recorder),
    )
    run.press("record")
    assert run.fails_with(SinkFault) is FULL
    assert sink.indices == list(range(8))
    assert not run.box.current.recording
    assert sum(str(FULL) in line for line in run.said) == 1


def test_a_source_without_a_frame_is_a_run_without_a_frame():
    sink = FakeSink()
    Run([], sink).go()
    assert sink.format is not None
    assert sink.frames == []


def test_a_limit_of_frames_is_exact_though_the_source_has_no_end():
    sink = FakeSink(before_write=dawdle)
    Run(endless(sink), sink, limits=Limits(frames=5)).go()
    assert sink.indices == [0, 1, 2, 3, 4]


def test_a_lost_source_is_the_error_after_all_else_is_written():
    sinks = FakeSink("a", before_write=dawdle), FakeSink("b")
    run = Run([*make_frames(20), GONE], *sinks)
    assert run.fails_with(SourceFault) is GONE
    assert [sink.indices for sink in sinks] == [list(range(20))] * 2


def test_the_first_error_is_raised_though_more_follow():
    sink = FakeSink(close_fault=RuntimeError("no trailer"))
    run = Run([*make_frames(2), GONE], sink)
    assert run.fails_with(SourceFault) is GONE


def test_it_ends_when_every_sink_is_dead_though_the_source_is_silent():
    gate = threading.Event()
    run = Run([*make_frames(1), lambda: opened(gate)], FakeSink(write_fault=FULL))
    run.pipeline.start()
    with pytest.raises(SinkFault) as caught:
        run.pipeline.run()
    assert caught.value is FULL
    assert run.said == [], "the error is raised, not said as well"
    gate.set()
    wait_until(lambda: run.source.closes)


def test_quit_ends_a_run_that_is_held_up_by_a_sink_that_hangs(monkeypatch):
    monkeypatch.setattr(outputs_module, "FINISH_TIMEOUT", 0.05)
    gate = threading.Event()
    stuck = FakeSink("stuck", before_write=lambda _: opened(gate))
    run = Run(make_frames(100), stuck)
    run.pipeline.start()
    # One is being written, the line is full: the painting thread waits for room.
    wait_until(lambda: run.pipeline.metrics.painted == outputs_module.QUEUE_SIZE + 1)
    run.press("quit")
    with pytest.raises(SinkFault, match="stuck: does not respond"):
        run.pipeline.run()
    assert run.source.closes
    assert run.backend.closes == 1
    gate.set()
    wait_until(lambda: stuck.closes)


def test_an_interrupt_from_the_keyboard_still_finishes_the_files():
    def interrupt(_: Frame) -> None:
        raise KeyboardInterrupt

    file = FakeSink("file", before_write=dawdle)
    window = FakeSink("window", live=True, main_thread=True, before_write=interrupt)
    run = Run(endless(file), file, window)
    run.fails_with(KeyboardInterrupt)
    assert file.frames
    assert file.indices == list(range(len(file.indices)))


def test_an_interrupt_while_sinks_open_closes_what_was_opened(monkeypatch):
    def interrupt(self: FakeSink, frames: object) -> None:
        raise KeyboardInterrupt

    window = FakeSink("window", live=True, main_thread=True)
    monkeypatch.setattr(window, "open", interrupt.__get__(window))
    run = Run(make_frames(3), FakeSink("file"), window)
    with pytest.raises(KeyboardInterrupt):
        run.pipeline.start()
    run.check_closed()


@pytest.mark.parametrize("what", ["source", "generator", "sink"])
def test_one_signal_ends_a_start_in_which_something_never_opens(what: str, monkeypatch):
    gate, reached = threading.Event(), threading.Event()
    run = Run(make_frames(1), FakeSink("file"))
    owner, method = {
        "source": (run.source, "open"),
        "generator": (run.backend, "warm_up"),
        "sink": (run.sinks[0], "open"),
    }[what]
    monkeypatch.setattr(owner, method, lambda *_: (reached.set(), opened(gate)))
    before = set(threading.enumerate())
    signal = threading.Thread(target=lambda: (reached.wait(DEADLINE), run.pipeline.stop()))
    signal.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            run.pipeline.start()
        assert reached.is_set()
    finally:
        gate.set()
        signal.join()
    wait_until(lambda: set(threading.enumerate()) <= before)


def test_every_frame_is_painted_once_through_slow_hands():
    frames = make_frames(40)
    slow, quick = FakeSink("slow", before_write=dawdle), FakeSink("quick")
    progress: list[int] = []
    run = Run(frames, slow, quick, on_progress=progress.append)
    run.go()
    for sink in (slow, quick):
        assert [(f.index, f.timestamp, f.captured) for f in sink.frames] == [
            (f.index, f.timestamp, f.captured) for f in frames
        ]
        painted = np.array([f.rgb[0, 0, 0] for f in sink.frames])
        assert np.array_equal(painted, 255 - np.arange(40))
    assert progress == list(range(1, 41))
    assert run.pipeline.dropped == 0


class FakeService:
    """`events` says what happened to it."""

    def __init__(self, fault: Exception | None = None) -> None:
        self.events: list[str] = []
        self._fault = fault

    def start(self) -> None:
        self.events.append("start")
        if self._fault is not None:
            raise self._fault

    def stop(self) -> None:
        self.events.append("stop")


def test_services_run_from_before_the_source_opens_until_the_sinks_are_closed():
    service, sink = FakeService(), FakeSink()
    run = Run(make_frames(2), sink)
    run.pipeline._services = [service]
    run.source.open = lambda: (service.events.append("open"), run.source.format)[1]
    sink.close = lambda: service.events.append("close")
    run.pipeline.start()
    run.pipeline.run()
    assert service.events == ["start", "open", "close", "stop"]


def test_a_service_that_does_not_start_ends_the_start_with_all_closed():
    run = Run(make_frames(2), FakeSink())
    services = [FakeService(), FakeService(UsageError("web: port 80 is taken"))]
    run.pipeline._services = services
    with pytest.raises(UsageError, match="port 80"):
        run.pipeline.start()
    assert run.source.opens == 0
    assert run.backend.closes == 1
    assert [service.events for service in services] == [["start", "stop"]] * 2
