"""What can happen to a recording's file while it is open, and a kill in its first second."""

import random
import resource
import signal
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest

from models.errors import SinkFault, UsageError
from realtime.frames.frame import Frame, FrameFormat
from realtime.sinks.recording import output_file
from realtime.sinks.recording.recorder import CONTAINERS, Recorder

ROOT = Path(__file__).parents[4]
FORMAT = FrameFormat(64, 48, 10, live=True)


def frame(index: int) -> Frame:
    rgb = np.random.default_rng(index).integers(0, 256, (48, 64, 3), np.uint8)
    return Frame(rgb, index, 0.0, index / 10)


def count(path: Path) -> int:
    with av.open(str(path)) as video:
        return sum(1 for _ in video.decode(video=0))


@pytest.fixture
def recorder(tmp_path, monkeypatch):
    monkeypatch.setattr(output_file, "CHECK_EVERY", 0.0)
    recorder = Recorder(tmp_path / "out.mp4")
    recorder.open(FORMAT)
    yield recorder
    recorder.close()


def test_a_second_run_on_the_same_file_refuses_and_the_first_goes_on(tmp_path, recorder):
    recorder.write(frame(0))
    second = Recorder(tmp_path / "out.mp4")
    with pytest.raises(UsageError, match="another run is recording into it"):
        second.open(FORMAT)
    second.close()
    recorder.write(frame(1))
    recorder.close()
    assert count(tmp_path / "out.mp4") == 2
    second.open(FORMAT)
    second.close()


@pytest.mark.parametrize("suffix", CONTAINERS)
def test_a_disk_that_is_full_at_the_close_is_told(tmp_path, suffix):
    path = tmp_path / f"out{suffix}"
    recorder = Recorder(path)
    recorder.open(FORMAT)
    for index in range(8):
        recorder.write(frame(index))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size, hard))
    try:
        with pytest.raises(SinkFault, match="could not be finished") as caught:
            recorder.close()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "File too large" in str(caught.value)
    assert count(path) >= 1


def test_a_removed_file_is_told_during_the_recording(tmp_path, recorder):
    recorder.write(frame(0))
    (tmp_path / "out.mp4").unlink()
    with pytest.raises(SinkFault, match="removed or replaced"):
        recorder.write(frame(1))
    recorder.close()
    assert list(tmp_path.iterdir()) == []


def test_a_replaced_file_is_told_at_the_close_and_left_alone(tmp_path, recorder, monkeypatch):
    monkeypatch.setattr(output_file, "CHECK_EVERY", 100.0)
    path = tmp_path / "out.mp4"
    recorder.write(frame(0))
    recorder.write(frame(1))
    path.unlink()
    path.write_bytes(b"of another program")
    with pytest.raises(SinkFault, match="removed or replaced"):
        recorder.close()
    assert path.read_bytes() == b"of another program"


def test_before_the_disk_is_full_the_recording_ends_complete(tmp_path, recorder, monkeypatch):
    for index in range(3):
        recorder.write(frame(index))
    monkeypatch.setattr(output_file, "LEAST_FREE", 10**18)
    with pytest.raises(SinkFault, match="MB are left on the disk; what was recorded is complete"):
        recorder.write(frame(3))
    recorder.close()
    assert count(tmp_path / "out.mp4") == 3
    with av.open(str(tmp_path / "out.mp4")) as video:
        assert video.streams.video[0].frames == 3, "still in fragments"


def test_without_room_it_does_not_begin(tmp_path, monkeypatch):
    monkeypatch.setattr(output_file, "LEAST_FREE", 10**18)
    recorder = Recorder(tmp_path / "out.mkv")
    with pytest.raises(UsageError, match="MB are left on the disk"):
        recorder.open(FORMAT)
    recorder.close()
    assert list(tmp_path.iterdir()) == []


RECORD = """
import sys, time
from pathlib import Path
import numpy as np
from realtime.frames.frame import Frame, FrameFormat
from realtime.sinks.recording.recorder import CONTAINERS, Recorder

recorders = [Recorder(Path(sys.argv[1]) / f"out{suffix}") for suffix in CONTAINERS]
random = np.random.default_rng(0)
for recorder in recorders:
    recorder.open(FrameFormat(64, 48, 30, live=True))
frames = int(sys.argv[2])
for index in range(frames):
    rgb = random.integers(0, 256, (48, 64, 3), np.uint8)
    for recorder in recorders:
        recorder.write(Frame(rgb, index, 0.0, index / 30))
    print(index, flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("written", [24, *random.Random(7).sample(range(30, 300), 4)])
def test_after_a_kill_all_but_the_last_moment_can_be_played(tmp_path, written):
    """In the first second, and at moments that nobody chose, in the middle of whatever it does."""
    with subprocess.Popen(
        [sys.executable, "-c", RECORD, tmp_path, str(24 if written == 24 else 10_000)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if int(line) + 1 == written:
                process.kill()
                break
    assert process.returncode == -signal.SIGKILL
    left = {}
    for suffix in CONTAINERS:
        with av.open(str(tmp_path / f"out{suffix}")) as video:
            decoded = 0
            try:
                for _ in video.decode(video=0):
                    decoded += 1
            except av.FFmpegError:
                pass  # the last frame may be cut in two
        left[suffix] = decoded
    # A quarter of a second, and what encoder and recorder hold.
    assert min(left.values()) >= written - 8 - 3, left
