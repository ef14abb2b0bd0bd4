"""A run as a whole, on fakes: who gets which frames, what ends it, what is kept."""

import errno
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from models.errors import ModelError, SinkFault, SourceFault, UsageError
from models.pictures import RGB
from realtime.control import overlay
from realtime.control.state import Settings, SettingsStore
from realtime.control.verbs import VERBS
from realtime.frames.frame import Frame, FrameFormat
from realtime.frames.size import Size
from realtime.frames.views import placeholder
from realtime.inference.stylizer import Stylizer
from realtime.pipeline import pipeline as pipeline_module
from realtime.pipeline import saving as saving_module
from realtime.pipeline.capture import Limits
from realtime.pipeline.metrics import Metrics
from realtime.pipeline.pipeline import Pipeline, Plan
from realtime.pipeline.saving import MOST_SNAPSHOTS, SaveController, SaveTargets
from realtime.pipeline.sink_runner import FASTER, SinkGroup
from realtime.pipeline.watch import drop_watch
from realtime.sinks import Sink
from tests.realtime.fakes import (
    DEADLINE,
    FakeBackend,
    FakeSink,
    FakeSource,
    card_of,
    frame_of,
    make_frames,
    opened,
    wait_until,
)

OFFLINE, WATCHED = Plan(live=False), Plan(live=True)


class Trial:
    """A pipeline over fakes. `said` is what a user would have read."""

    def __init__(
        self,
        source: FakeSource | Iterable[Frame | Exception | Callable[[], object]],
        sinks: list[FakeSink] | None = None,
        plan: Plan = OFFLINE,
        backend: FakeBackend | None = None,
        **settings: object,
    ) -> None:
        self.source = source if isinstance(source, FakeSource) else FakeSource(source)
        self.sinks = [FakeSink()] if sinks is None else sinks
        self.backend = backend or FakeBackend()
        self.said: list[str] = []
        stylizer = Stylizer(card_of, lambda _: self.backend, keep=2)
        stylizer.load("one")
        settings.setdefault("smoothing", 0.0)
        self.box = SettingsStore(Settings(styles=("one", "two"), style="one", **settings))  # type: ignore[arg-type]
        plan = replace(plan, on_message=self.said.append)
        self.pipeline = Pipeline(self.source, stylizer, list(self.sinks), self.box, plan)

    def run(self) -> "Trial":
        self.pipeline.start()
        self.pipeline.run()
        return self

    def press(self, verb: str) -> Callable[[], object]:
        return lambda: self.box.apply(VERBS[verb])

    @property
    def sink(self) -> FakeSink:
        return self.sinks[0]


def test_offline_every_frame_is_painted_in_order_at_its_own_time():
    trial = Trial(make_frames(30)).run()
    assert trial.sink.indices == list(range(30))
    assert [frame.timestamp for frame in trial.sink.frames] == [i / 10 for i in range(30)]
    assert all((frame.rgb == 255 - frame.index).all() for frame in trial.sink.frames)
    assert (trial.source.closes, trial.sink.closes, trial.backend.closes) == (1, 1, 1)
    assert trial.pipeline.dropped == 0
    assert trial.pipeline.metrics.painted == 30


def test_frames_that_sinks_share_are_read_only():
    trial = Trial(make_frames(2)).run()
    assert not any(frame.rgb.flags.writeable for frame in trial.sink.frames)


def test_a_slow_sink_holds_up_an_offline_run_but_no_frame_is_lost():
    gate = threading.Event()
    slow = FakeSink("slow", before_write=lambda frame: opened(gate))
    trial = Trial(make_frames(40), [slow])
    trial.pipeline.start()
    # Source, painting and sink hold a bounded number of frames while the sink waits.
    wait_until(lambda: trial.source.reads >= 12)
    reads = trial.source.reads
    gate.set()
    trial.pipeline.run()
    assert reads < 40
    assert slow.indices == list(range(40))


def test_where_somebody_watches_the_newest_frame_wins():
    gate, painting = threading.Event(), threading.Event()

    def slow(rgb: RGB) -> RGB:
        painting.set()
        opened(gate)
        return rgb

    trial = Trial(
        [make_frames(1)[0], lambda: opened(painting), *make_frames(20)[1:], gate.set],
        [FakeSink(live=True)],
        WATCHED,
        FakeBackend(slow),
    ).run()
    assert trial.sink.indices[-1] == 19
    assert len(trial.sink.indices) < 20
    assert trial.pipeline.dropped >= 18


def test_threads_of_a_live_run_hand_over_soon(monkeypatch):
    """What a style that is loading costs the painting; files have time."""
    intervals: list[float] = []
    monkeypatch.setattr("sys.setswitchinterval", intervals.append)
    Trial(make_frames(1), [FakeSink()], OFFLINE).run()
    assert not intervals
    Trial(make_frames(1), [FakeSink(live=True)], WATCHED).run()
    assert intervals and intervals[0] <= 0.001


def test_a_limit_of_frames_counts_those_that_are_shown():
    gate, painting = threading.Event(), threading.Event()

    def slow(rgb: RGB) -> RGB:
        painting.set()
        opened(gate)
        return rgb

    def painted(count: int) -> Callable[[], object]:
        return lambda: wait_until(lambda: trial.pipeline.metrics.painted >= count)

    frames = make_frames(14)
    trial = Trial(
        [
            *(frames[0], lambda: opened(painting), *frames[1:10], gate.set),
            *(painted(2), frames[10], painted(3), *frames[11:]),
        ],
        [FakeSink(live=True)],
        replace(WATCHED, limits=Limits(frames=3)),
        FakeBackend(slow),
    )
    trial.run()
    assert trial.pipeline.metrics.painted == 3
    assert trial.sink.indices[-1] == 10


def test_a_source_that_cannot_wait_makes_a_run_live_though_nobody_watches():
    trial = Trial(FakeSource(make_frames(3), live=True))
    incoming, outgoing = trial.pipeline.start()
    assert trial.pipeline.live
    assert incoming.live and outgoing.live
    trial.pipeline.run()


def test_sinks_get_the_size_that_was_asked_for():
    plan = replace(OFFLINE, size=Size(40, 40), fit="letterbox")
    trial = Trial(make_frames(2), plan=plan, backend=FakeBackend(lambda rgb: rgb | 255)).run()
    assert (trial.sink.format.width, trial.sink.format.height) == (40, 40)
    picture = trial.sink.frames[0].rgb
    assert picture.shape == (40, 40, 3)
    # 80×60 into 40×40: bars of 5 lines, which are not painted.
    assert not picture[:5].any() and not picture[-5:].any()
    assert (picture[5:-5] == 255).all()


def test_frames_are_shrunk_before_they_are_painted_not_after():
    frames = [frame_of(np.zeros((480, 640, 3), np.uint8))]
    plan = replace(OFFLINE, size=Size(160, 120))
    trial = Trial(FakeSource(frames, size=(640, 480)), plan=plan).run()
    assert trial.backend.shapes == [(120, 160, 3)]


def test_a_source_that_comes_back_in_another_size_is_brought_to_the_first():
    frames = make_frames(1) + make_frames(2, height=30, width=90)[1:]
    trial = Trial(frames).run()
    assert [frame.rgb.shape for frame in trial.sink.frames] == [(60, 80, 3)] * 2


def test_limits_end_it():
    assert Trial(make_frames(9), plan=replace(OFFLINE, limits=Limits(frames=4))).run().sink.indices
    timed = Trial(make_frames(9), plan=replace(OFFLINE, limits=Limits(seconds=0.5))).run()
    assert timed.sink.indices == [0, 1, 2, 3, 4]


def test_quit_ends_it_and_closes_everything():
    trial = Trial([])
    trial.source._script = iter([*make_frames(2), trial.press("quit"), *make_frames(900)])
    trial.run()
    assert len(trial.sink.frames) < 900
    assert (trial.source.closes, trial.sink.closes, trial.backend.closes) == (1, 1, 1)


def test_stop_ends_it_as_a_signal_would():
    trial = Trial([])
    trial.source._script = iter([*make_frames(2), trial.pipeline.stop, *make_frames(900)])
    trial.run()
    assert trial.pipeline.interrupted
    assert trial.sink.closes == 1


def test_a_source_that_blocks_for_ever_does_not_keep_the_run(monkeypatch):
    monkeypatch.setattr("realtime.pipeline.capture.STOP_TIMEOUT", 0.05)
    gate = threading.Event()
    trial = Trial([*make_frames(1), lambda: opened(gate)], [FakeSink(live=True)], WATCHED)
    trial.pipeline.start()
    wait_until(lambda: trial.sink.frames)
    trial.pipeline.stop()
    trial.pipeline.run()
    assert trial.sink.closes == 1
    gate.set()


@pytest.mark.parametrize("fault", [UsageError("no such"), SourceFault("busy")])
def test_a_source_that_does_not_open_is_told_before_any_sink_opens(fault):
    trial = Trial(FakeSource([], open_faults=[fault]))
    with pytest.raises(type(fault), match=str(fault)):
        trial.pipeline.start()
    assert trial.sink.format is None
    assert trial.backend.closes == 1


def test_a_sink_that_does_not_open_ends_the_start_and_closes_the_others():
    good, bad = FakeSink("good"), FakeSink("bad", open_fault=UsageError("bad: no"))
    trial = Trial(make_frames(3), [good, bad])
    with pytest.raises(UsageError, match="bad: no"):
        trial.pipeline.start()
    assert (good.closes, trial.source.closes, trial.backend.closes) == (1, 1, 1)
    assert not good.frames


def test_a_source_that_fails_for_good_ends_it_with_what_came_before_written():
    trial = Trial([*make_frames(3), SourceFault("camera: gone")])
    trial.pipeline.start()
    with pytest.raises(SourceFault, match="camera: gone"):
        trial.pipeline.run()
    assert trial.sink.indices == [0, 1, 2]
    assert trial.sink.closes == 1


def test_a_sink_that_fails_stops_only_itself_and_is_told_at_the_end():
    bad = FakeSink("bad", write_fault=SinkFault("bad: disk full"), fails_at=2)
    good = FakeSink("good")
    trial = Trial(make_frames(20), [bad, good])
    trial.pipeline.start()
    with pytest.raises(SinkFault, match="bad: disk full"):
        trial.pipeline.run()
    assert good.indices == list(range(20))
    assert bad.indices == [0, 1]


def test_it_ends_when_no_sink_is_left():
    bad = FakeSink(write_fault=SinkFault("gone"))
    trial = Trial(make_frames(10_000), [bad])
    trial.pipeline.start()
    with pytest.raises(SinkFault, match="gone"):
        trial.pipeline.run()
    assert trial.source.reads < 10_000
    assert trial.said == []  # the error itself is told once, by whoever runs this


def broken(rgb: RGB) -> RGB:
    raise RuntimeError("out of memory")


def test_offline_a_generator_that_fails_ends_the_run():
    trial = Trial(make_frames(3), backend=FakeBackend(broken))
    trial.pipeline.start()
    with pytest.raises(ModelError, match="one: the generator failed: out of memory"):
        trial.pipeline.run()
    assert not trial.sink.frames


def test_live_a_generator_that_fails_never_lets_the_raw_picture_out():
    taken = threading.Semaphore(0)
    sink = FakeSink(live=True, before_write=lambda frame: taken.release())
    frames = make_frames(3)
    script = [step for frame in frames for step in (frame, taken.acquire)]
    trial = Trial(script, [sink], WATCHED, FakeBackend(broken)).run()
    assert len(sink.frames) >= 3
    assert all((frame.rgb == placeholder(60, 80)).all() for frame in sink.frames)
    assert len(trial.said) == 1
    assert "out of memory" in trial.said[0]


def test_an_error_of_ours_comes_out_as_it_is():
    def wrong(count: int) -> None:
        raise ZeroDivisionError("a bug")

    trial = Trial(make_frames(3), plan=replace(OFFLINE, on_progress=wrong))
    trial.pipeline.start()
    with pytest.raises(ZeroDivisionError):
        trial.pipeline.run()
    assert trial.sink.closes == 1


def step_by_step(trial: Trial, script: list[Frame | Callable[[], object]]) -> None:
    """Let the source go on only when every frame before was written."""
    count = 0
    steps: list[Frame | Callable[[], object]] = []
    for step in script:
        steps.append(step)
        if isinstance(step, Frame):
            count += 1
            steps.append(
                lambda count=count: wait_until(
                    lambda: len({f.index for f in trial.sink.frames}) >= count
                )
            )
    trial.source._script = iter(steps)
    trial.run()


def test_pause_holds_the_picture_while_frames_go_on():
    trial = Trial([], [FakeSink(live=True)], WATCHED)
    frames = make_frames(4)
    step_by_step(trial, [*frames[:2], trial.press("pause"), *frames[2:]])
    pictures = {frame.index: int(frame.rgb[0, 0, 0]) for frame in trial.sink.frames}
    assert pictures == {0: 255, 1: 254, 2: 254, 3: 254}


def test_while_the_source_is_silent_live_sinks_get_the_last_picture_again(monkeypatch):
    monkeypatch.setattr(pipeline_module, "SILENCE", 0.01)
    live, file = FakeSink("live", live=True), FakeSink("file")
    trial = Trial([], [live, file], WATCHED)
    trial.source._script = iter([*make_frames(1), lambda: wait_until(lambda: len(live.frames) > 3)])
    trial.run()
    assert len(live.frames) > 3
    assert file.indices == [0]
    assert {int(frame.rgb[0, 0, 0]) for frame in live.frames} == {255}


def test_only_local_sinks_get_text_over_the_picture(monkeypatch):
    monkeypatch.setattr(overlay, "STATUS_SECONDS", -1.0)
    local, call = FakeSink("window", live=True), FakeSink("call", live=True)
    trial = Trial([], [local, call], replace(WATCHED, local=frozenset({"window"})))
    frames = [frame_of(np.zeros((240, 320, 3), np.uint8), index) for index in range(2)]
    trial.source = FakeSource([], size=(320, 240), live=True)
    trial.pipeline.capture.source = trial.source
    step_by_step(trial, [frames[0], trial.press("help"), frames[1]])

    def shown(sink: FakeSink, index: int) -> RGB:
        return next(frame.rgb for frame in reversed(sink.frames) if frame.index == index)

    assert (shown(call, 1) == 255).all()
    assert (shown(local, 0) == 255).all()
    assert not (shown(local, 1) == 255).all()


def test_a_main_thread_sink_is_run_by_the_caller():
    window = FakeSink("window", live=True, main_thread=True)
    trial = Trial(make_frames(3), [window], WATCHED).run()
    assert window.threads == {threading.current_thread()}
    assert window.closes == 1
    assert trial.sink.indices[-1] == 2


def keeping_trial(save_targets: SaveTargets) -> Trial:
    return Trial([], [FakeSink(live=True)], replace(WATCHED, keep=save_targets))


def test_each_snapshot_is_taken_once_without_text():
    taken: list[RGB] = []

    def snapshot(rgb: RGB) -> Path:
        taken.append(rgb)
        return Path(f"{len(taken)}.png")

    trial = keeping_trial(SaveTargets(snapshot=snapshot))
    frames = make_frames(4)
    step_by_step(
        trial,
        [frames[0], trial.press("snapshot"), *frames[1:3], trial.press("snapshot"), frames[3]],
    )
    assert len(taken) == 2
    assert [line for line in trial.said if line.startswith("snapshot")] == [
        "snapshot: 1.png",
        "snapshot: 2.png",
    ]


def test_the_gallery_knows_which_visitor_asked_for_a_snapshot(tmp_path: Path):
    def snapshot(rgb: RGB) -> Path:
        path = tmp_path / f"{len(list(tmp_path.iterdir()))}.png"
        path.write_bytes(b"a picture")
        return path

    trial = keeping_trial(SaveTargets(snapshot=snapshot))
    gallery = trial.pipeline.plan.keep.gallery
    for_anna = lambda: trial.box.apply(gallery.asked_by("anna", VERBS["snapshot"]))  # noqa: E731
    frames = make_frames(4)
    script = [frames[0], for_anna, frames[1], trial.press("snapshot"), frames[2], for_anna]
    step_by_step(trial, [*script, frames[3]])
    assert [saved.visitor for saved in gallery.entries()] == ["anna", None, "anna"]


def test_a_snapshot_that_cannot_be_written_is_told_and_the_run_goes_on():
    def snapshot(rgb: RGB) -> Path:
        raise SinkFault("pictures: disk full")

    trial = keeping_trial(SaveTargets(snapshot=snapshot))
    frames = make_frames(2)
    step_by_step(trial, [frames[0], trial.press("snapshot"), frames[1]])
    assert "pictures: disk full" in trial.said


def test_snapshots_that_the_disk_is_too_slow_for_are_skipped_and_told():
    gate, taken = threading.Event(), []

    def snapshot(rgb: RGB) -> Path:
        opened(gate)
        taken.append(rgb)
        return Path("x.png")

    trial = keeping_trial(SaveTargets(snapshot=snapshot))
    frames = make_frames(3)
    many = lambda: trial.box.apply(lambda s: replace(s, snapshots=s.snapshots + 900))  # noqa: E731
    step_by_step(trial, [frames[0], many, frames[1], gate.set, frames[2]])
    assert len(taken) == MOST_SNAPSHOTS
    assert (
        f"{900 - MOST_SNAPSHOTS} snapshots skipped: the disk is too slow for so many" in trial.said
    )


def test_whatever_a_snapshot_raises_is_told():
    def snapshot(rgb: RGB) -> Path:
        raise ValueError("bad picture")

    trial = keeping_trial(SaveTargets(snapshot=snapshot))
    frames = make_frames(2)
    step_by_step(trial, [frames[0], trial.press("snapshot"), frames[1]])
    assert "the snapshot failed: ValueError: bad picture" in trial.said


def test_a_recording_that_got_no_picture_is_not_called_recorded():
    box = SettingsStore(Settings(styles=("one",), style="one", recording=True))
    said: list[str] = []
    targets = SaveTargets(recording=lambda: FakeSink("file:x.mp4"))
    saving = SaveController(targets, SinkGroup(lambda _: None), box, Metrics(), said.append)
    frame = make_frames(1)[0]
    form = FrameFormat(80, 60, fps=10.0, live=True)
    saving.follow(box.current, frame.rgb, form)
    saving.follow(replace(box.current, recording=False), frame.rgb, form)
    saving.close()
    assert said == ["recording: x.mp4", "not recorded: no picture came for x.mp4"]


def test_recordings_start_and_stop_by_key_each_in_a_file_of_its_own():
    made: list[FakeSink] = []

    def recording() -> FakeSink:
        made.append(FakeSink(f"file:{len(made)}.mp4"))
        return made[-1]

    trial = keeping_trial(SaveTargets(recording=recording))
    frames = make_frames(6)
    record = trial.press("record")
    step_by_step(trial, [frames[0], record, *frames[1:3], record, frames[3], record, *frames[4:]])
    assert [sink.indices for sink in made] == [[1, 2], [4, 5]]
    assert [sink.closes for sink in made] == [1, 1]
    assert trial.said == [
        "recording: 0.mp4", "recorded: 0.mp4", "recording: 1.mp4", "recorded: 1.mp4"
    ]  # fmt: skip


def test_a_recording_that_hangs_while_it_is_opened_holds_up_nothing(monkeypatch):
    monkeypatch.setattr(saving_module, "PROMPT", 0.01)
    monkeypatch.setattr(saving_module, "SLOW", 0.02)
    gate, made = threading.Event(), FakeSink("file:x.mp4")

    def recording() -> FakeSink:
        opened(gate)
        return made

    trial = keeping_trial(SaveTargets(recording=recording))
    frames = make_frames(9)
    told = lambda: wait_until(lambda: any("has not begun" in line for line in trial.said))  # noqa: E731
    trial.source._script = iter(
        [frames[0], trial.press("record"), *frames[1:3],
         lambda: wait_until(lambda: trial.sink.frames and trial.sink.frames[-1].index == 2),
         lambda: time.sleep(0.03), frames[3], told, gate.set,
         lambda: time.sleep(0.05), *frames[4:]]
    )  # fmt: skip
    trial.run()
    assert "recording: x.mp4" in trial.said
    assert made.closes == 1


@pytest.mark.parametrize(
    "sink",
    [
        FakeSink("file:x", open_fault=SinkFault("x: no room")),
        FakeSink("file:x", write_fault=SinkFault("x: no room")),
    ],
)
def test_a_recording_that_fails_is_told_and_the_settings_do_not_claim_it(sink: FakeSink):
    trial = keeping_trial(SaveTargets(recording=lambda: sink))
    frames = make_frames(3)
    failed = lambda: wait_until(lambda: sink.closes)  # noqa: E731
    trial.source._script = iter(
        [frames[0], trial.press("record"), frames[1], failed, frames[2],
         lambda: wait_until(lambda: not trial.box.current.recording)]
    )  # fmt: skip
    trial.pipeline.start()
    try:
        trial.pipeline.run()
    except SinkFault as error:  # a recording that broke off is told at the end too
        assert str(error) == "x: no room"
    assert not trial.box.current.recording
    assert any("x: no room" in line for line in trial.said)
    assert trial.pipeline.notice is not None
    assert "x: no room" in trial.pipeline.notice.text


def test_a_recording_that_is_too_slow_is_told_on_every_face(monkeypatch):
    monkeypatch.setattr(drop_watch, "PERIOD", 0.0)
    room = threading.Semaphore(0)
    slow = FakeSink("file:x", before_write=lambda _: room.acquire(timeout=DEADLINE))
    frames = make_frames(40)
    # The painting must have taken each before the next comes: a live source's newest frame wins.
    script = [
        item
        for frame in frames
        for item in (frame, lambda n=frame.index: wait_until(lambda: shown.indices[-1:] == [n]))
    ]
    shown = FakeSink("page", live=True)
    trial = Trial(
        FakeSource([*script, lambda: room.release(100)], live=True),
        sinks=[shown, slow],
        plan=WATCHED,
    )
    trial.run()
    line = "file:x: too slow: most pictures are dropped; "
    assert [said for said in trial.said if said.startswith(line)] == [line + FASTER]
    assert trial.pipeline.notice is not None
    assert trial.pipeline.notice.text == line + FASTER


def test_what_cannot_be_recorded_is_told():
    trial = keeping_trial(SaveTargets())
    frames = make_frames(2)
    step_by_step(trial, [frames[0], trial.press("record"), frames[1]])
    assert trial.said == ["recording is not available in this run"]
    assert not trial.box.current.recording


def test_a_recording_for_which_no_file_can_be_opened_does_not_end_the_run():
    def no_descriptor_left() -> Sink:
        raise OSError(errno.EMFILE, "Too many open files")

    trial = keeping_trial(SaveTargets(recording=no_descriptor_left))
    frames = make_frames(3)
    step_by_step(trial, [frames[0], trial.press("record"), frames[1], frames[2]])
    assert len(trial.said) == 1
    assert trial.said[0].startswith("the recording failed: OSError: ")
    assert "Too many open files" in trial.said[0]
    assert not trial.box.current.recording
