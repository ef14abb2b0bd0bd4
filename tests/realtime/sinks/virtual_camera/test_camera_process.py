"""The process that keeps a virtual camera: real processes, with a scripted camera in them."""

import os
import signal
import sys
import threading
import time
import zlib
from pathlib import Path

import numpy as np
import pytest

from models.errors import SinkFault, UsageError
from realtime.frames.frame import FrameFormat
from realtime.frames.size import Size
from realtime.frames.views import placeholder
from realtime.sinks.virtual_camera.sink import VirtualCameraSink
from tests.faults.scripted_virtual_camera import Journal, until
from tests.realtime.fakes import frame_of

if sys.platform != "linux":
    pytest.skip("the camera has a process of its own on Linux only", allow_module_level=True)

from realtime.control.local.endpoint import runtime_folder
from realtime.sinks.virtual_camera.camera_process import GONE_TEXT, CameraProcess
from realtime.sinks.virtual_camera.link import running
from realtime.sinks.virtual_camera.shared_pictures import SharedPictures, memory_file

FORMAT = FrameFormat(width=64, height=48, fps=50, live=True)
STARTING, GONE = (zlib.crc32(placeholder(48, 64, text)) for text in ("starting", GONE_TEXT))


@pytest.fixture
def journal(tmp_path, monkeypatch):
    journal = Journal(tmp_path, monkeypatch.setenv)
    yield journal
    for pid in {entry.pid for entry in journal.opened()}:
        until(lambda pid=pid: not alive(pid))
    assert not running(runtime_folder())


@pytest.fixture
def make(journal):
    """Makes an open sink whose feed a test may reach; all are closed at the end."""
    made = []

    def make(frames: FrameFormat = FORMAT, **options) -> tuple[VirtualCameraSink, CameraProcess]:
        feed = CameraProcess(**{"outlive": 60.0} | options)
        sink = VirtualCameraSink(backend="written", feed=feed)
        made.append(sink)
        sink.accepted_size(Size(frames.width, frames.height))
        sink.open(frames)
        return sink, feed

    yield make
    for sink in made[::-1]:
        sink.close()


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def picture(seed: int, height: int = 48, width: int = 64) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def die(feed: CameraProcess) -> None:
    """What becomes of a stylecam that is killed: all that is left is the end of its connection."""
    feed._closing.set()
    feed._keeper.link.hang_up()
    feed._thread.join()
    if feed._child is not None:
        feed._child.returncode = 0  # it is not ours any more


def test_it_shows_the_card_when_stylecam_dies_and_the_next_one_takes_it_over(journal, make):
    sink, feed = make()
    until(lambda: journal.newest() == STARTING)
    sink.write(frame_of(picture(1)))
    until(lambda: journal.newest() == zlib.crc32(picture(1)))
    die(feed)
    until(lambda: journal.newest() == GONE)
    later, _ = make()
    later.write(frame_of(picture(2), 9))
    until(lambda: journal.newest() == zlib.crc32(picture(2)))
    assert len(journal.opened()) == 1
    known = {STARTING, GONE, zlib.crc32(picture(1)), zlib.crc32(picture(2))}
    shown = [int(e.words[1]) for e in journal.entries() if e.what == "send"]
    assert set(shown) == known
    later.close()
    assert journal.entries()[-1].what == "close"


def test_where_nothing_is_painted_the_last_picture_stays_as_long_as_stylecam_lives(
    journal, make, monkeypatch, caplog
):
    sink, _ = make()
    sink.write(frame_of(picture(1)))
    until(lambda: journal.newest() == zlib.crc32(picture(1)))
    began = len(journal.entries())
    until(lambda: len(journal.entries()) - began > 4 * FORMAT.fps)  # longer than HANGING
    assert journal.newest() == zlib.crc32(picture(1))
    with monkeypatch.context() as silence:
        silence.setattr(SharedPictures, "beat", lambda pictures: None)
        until(lambda: journal.newest() == GONE)
    until(lambda: journal.newest() == zlib.crc32(picture(1)))
    until(lambda: "no sign of life for" in caplog.text)


def test_one_that_is_read_keeps_its_format_and_one_that_is_not_makes_room(journal, make):
    _, feed = make()
    die(feed)
    larger = FrameFormat(width=128, height=96, fps=25, live=True)
    second = VirtualCameraSink(backend="written", feed=CameraProcess(outlive=60.0))
    assert second.accepted_size(Size(128, 96)) == (64, 48)
    other = VirtualCameraSink("virtual-camera:x", device="x", feed=CameraProcess(outlive=60.0))
    assert other.accepted_size(Size(128, 96)) == (128, 96)
    journal.readers.unlink()
    make(larger)
    assert [entry.words[:2] for entry in journal.opened()] == [["64", "48"], ["128", "96"]]
    until(lambda: not alive(journal.opened()[0].pid))


def test_one_that_dies_is_started_again_and_shows_the_last_picture(journal, make, caplog):
    sink, _ = make()
    sink.write(frame_of(picture(1)))
    until(lambda: journal.newest() == zlib.crc32(picture(1)))
    [first] = journal.opened()
    os.kill(first.pid, signal.SIGKILL)
    until(lambda: len(journal.opened()) == 2)
    until(lambda: journal.entries()[-1].what == "send")
    assert journal.newest() == zlib.crc32(picture(1))
    until(lambda: "works again" in caplog.text)


def test_it_is_never_taken_from_another_stylecam_and_ends_when_nobody_comes(journal, make):
    make()
    _, second = make(outlive=0.2)
    assert len(journal.opened()) == 2
    die(second)
    until(lambda: not alive(journal.opened()[1].pid))
    assert alive(journal.opened()[0].pid)


def test_it_may_outlive_a_stylecam_that_is_ended(journal, make):
    sink, _ = make(outlive_stop=True)
    sink.close()
    until(lambda: journal.newest() == GONE)
    make()
    assert len(journal.opened()) == 1


def test_who_reads_it_is_told(journal, make):
    journal.readers.unlink()
    sink, _ = make()
    assert not sink.has_viewers
    journal.readers.touch()
    until(lambda: sink.has_viewers)


def test_what_the_camera_says_when_it_cannot_be_opened(journal):
    sink = VirtualCameraSink(device="/dev/video99", feed=CameraProcess(outlive=60.0))
    with pytest.raises(SinkFault, match=r"no virtual camera at /dev/video99 .*not a V4L2"):
        sink.open(FORMAT)
    sink.close()
    with pytest.raises(UsageError, match="did you mean 'written'"):
        VirtualCameraSink(backend="writen", feed=CameraProcess(outlive=60.0)).open(FORMAT)


def test_a_picture_is_never_torn():
    memory = memory_file(64, 48)
    writer, reader = SharedPictures(memory, 64, 48), SharedPictures(memory, 64, 48)
    os.close(memory)
    stop = threading.Event()

    def write() -> None:
        level = 0
        while not stop.is_set():
            level = (level + 1) % 256
            writer.put(np.full((48, 64, 3), level, np.uint8))

    thread = threading.Thread(target=write)
    thread.start()
    levels, reads, end = set(), 0, time.monotonic() + 20
    try:
        while reads < 2000 or (len(levels) < 2 and time.monotonic() < end):
            taken = reader.newest()
            assert taken.min() == taken.max()
            levels.add(int(taken[0, 0, 0]))
            reads += 1
    finally:
        stop.set()
        thread.join()
    assert len(levels) > 1, "the writer never ran"
