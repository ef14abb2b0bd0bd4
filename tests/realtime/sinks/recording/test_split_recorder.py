"""Recordings in parts: by time, by size; each part plays, and no frame is lost in between."""

from functools import partial

import av
import numpy as np
import pytest

from models.errors import SinkFault
from realtime.frames.frame import Frame, FrameFormat
from realtime.sinks.recording.recorder import Recorder
from realtime.sinks.recording.split_recorder import SplitRecorder
from tests.realtime.fakes import FakeSink, make_frames, wait_until

FORMAT = FrameFormat(80, 60, 10, live=True)


class FakePart(FakeSink):
    def end_at(self, timestamp: float) -> None:
        self.end = timestamp


def times(path) -> list[float]:
    with av.open(str(path)) as video:
        return [round(float(frame.time), 3) for frame in video.decode(video=0)]


def test_a_part_ends_after_its_time_and_each_begins_at_nought(tmp_path):
    path = tmp_path / "out.mp4"
    (tmp_path / "out-2.mp4").write_bytes(b"old")
    recorder = SplitRecorder(path, Recorder, name="file:out.mp4", seconds=1.0)
    recorder.open(FORMAT)
    for frame in make_frames(25):
        recorder.write(frame)
    recorder.close()
    parts = [path, tmp_path / "out-3.mp4", tmp_path / "out-4.mp4"]
    assert [len(times(part)) for part in parts] == [10, 10, 5]
    assert all(times(part)[0] == 0 for part in parts)
    assert (tmp_path / "out-2.mp4").read_bytes() == b"old"
    assert len(list(tmp_path.iterdir())) == 4


def test_a_part_ends_at_its_size(tmp_path):
    random = np.random.default_rng(0)
    recorder = SplitRecorder(
        tmp_path / "out.mkv", partial(Recorder, crf=10), name="file:out.mkv", size=30_000
    )
    recorder.open(FORMAT)
    for index in range(30):
        rgb = random.integers(0, 256, (60, 80, 3), np.uint8)
        recorder.write(Frame(rgb, index, 0.0, index / 10))
    recorder.close()
    parts = list(tmp_path.iterdir())
    assert len(parts) >= 3
    assert sum(len(times(part)) for part in parts) == 30
    assert max(part.stat().st_size for part in parts) < 60_000


def test_a_part_that_cannot_be_finished_is_told_by_the_next_frame(tmp_path):
    parts: list[FakePart] = []

    def make(path):
        fault = None if parts else SinkFault("out.mp4: the disk is full")
        parts.append(FakePart(str(path), close_fault=fault))
        return parts[-1]

    recorder = SplitRecorder(tmp_path / "out.mp4", make, name="file:out.mp4", seconds=0.2)
    recorder.open(FORMAT)
    for frame in make_frames(3):
        recorder.write(frame)
    wait_until(lambda: parts[0].closes)
    with pytest.raises(SinkFault, match="disk is full"):
        wait_until(lambda: recorder.write(make_frames(1)[0]))
    recorder.close()
    assert parts[1].closes == 1


def test_the_part_of_now_is_pumped_while_no_picture_comes(tmp_path):
    parts: list[FakePart] = []

    def make(path):
        parts.append(FakePart(str(path)))
        return parts[-1]

    recorder = SplitRecorder(tmp_path / "out.mp4", make, name="file:out.mp4", seconds=0.2)
    assert recorder.pump_interval == parts[0].pump_interval
    recorder.open(FORMAT)
    for frame in make_frames(3):
        recorder.write(frame)
    recorder.pump()
    recorder.close()
    assert [part.pumps for part in parts] == [0, 1]


def test_a_next_part_that_cannot_be_opened_leaves_the_last_one_whole(tmp_path):
    parts: list[Recorder | FakePart] = []

    def make(path):
        fault = SinkFault("out-2.mp4: the disk is full")
        parts.append(FakePart(str(path), open_fault=fault) if parts else Recorder(path))
        return parts[-1]

    recorder = SplitRecorder(tmp_path / "out.mp4", make, name="file:out.mp4", seconds=0.5)
    recorder.open(FORMAT)
    with pytest.raises(SinkFault, match=r"out-2\.mp4: the disk is full"):
        for frame in make_frames(9):
            recorder.write(frame)
    recorder.close()
    assert len(times(tmp_path / "out.mp4")) == 5
    assert parts[1].closes == 1
