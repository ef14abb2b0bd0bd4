"""The virtual camera against a backend of ours that pyvirtualcam runs as one of its own."""

import threading

import numpy as np
import pytest
import pyvirtualcam

from models.errors import SinkFault, UsageError
from realtime.frames.frame import FrameFormat
from realtime.frames.views import placeholder
from realtime.pipeline.metrics import Metrics
from realtime.pipeline.sink_runner import SinkRunner
from realtime.sinks.virtual_camera import paced_camera
from realtime.sinks.virtual_camera import sink as sink_module
from realtime.sinks.virtual_camera.paced_camera import PacedCamera
from realtime.sinks.virtual_camera.sink import VirtualCameraSink
from tests.realtime.fakes import frame_of, opened, wait_until

FORMAT = FrameFormat(width=64, height=48, fps=60, live=True)
STARTING = placeholder(48, 64, "starting")


class FakeCamera:
    """A camera whose native format is what pyvirtualcam is given, so nothing is converted."""

    made: "list[FakeCamera]" = []  # noqa: RUF012  one list for the fixture to look at
    fail_after: int | None = None

    def __init__(self, *, width, height, fps, fourcc, device):
        if device == "/dev/video99":
            raise RuntimeError("/dev/video99 is not a V4L2 device.")
        if device == "/dev/video98":
            raise RuntimeError("Device /dev/video98 could not be opened due to missing permissions")
        self.width, self.height, self.fps, self.fourcc = width, height, fps, fourcc
        self.frames: list[np.ndarray] = []
        self.arrived = threading.Condition()
        self.closed = 0
        FakeCamera.made.append(self)

    def send(self, frame):
        assert not self.closed
        if self.fail_after is not None and len(self.frames) >= self.fail_after:
            raise OSError("the driver went away")
        with self.arrived:
            self.frames.append(frame.reshape(self.height, self.width, 3).copy())
            self.arrived.notify_all()

    def wait_for(self, predicate) -> None:
        with self.arrived:
            assert self.arrived.wait_for(lambda: predicate(self.frames), 10), len(self.frames)

    def close(self):
        self.closed += 1

    def device(self):
        return "fake"

    def native_fourcc(self):
        return self.fourcc


@pytest.fixture
def backend(monkeypatch):
    monkeypatch.setattr(FakeCamera, "made", [])
    monkeypatch.setattr(FakeCamera, "fail_after", None)
    monkeypatch.setattr(pyvirtualcam.camera, "BACKENDS", {})
    pyvirtualcam.register_backend("fake", FakeCamera)
    return FakeCamera


@pytest.fixture
def sink(backend):
    sink = VirtualCameraSink(backend="fake")
    yield sink
    sink.close()


def started(sink: VirtualCameraSink, frames: FrameFormat) -> SinkRunner:
    """The sink as the pipeline runs it: given pictures of the size that it accepts."""
    runner = SinkRunner(sink, Metrics(), lossless=False, local=False)
    runner.start(frames)
    return runner


def red_and_blue(height: int = 48, width: int = 64) -> np.ndarray:
    rgb = np.zeros((height, width, 3), np.uint8)
    rgb[:, : width // 2] = (255, 0, 0)
    rgb[:, width // 2 :] = (0, 0, 255)
    return rgb


def test_what_arrives_is_what_was_written_colours_in_order(sink, backend):
    sink.open(FORMAT)
    [camera] = backend.made
    assert camera.fourcc == pyvirtualcam.util.encode_fourcc(pyvirtualcam.PixelFormat.RGB.value)
    noise = np.random.default_rng(1).integers(0, 256, (48, 64, 3), np.uint8)
    for rgb in (red_and_blue(), noise):
        sink.write(frame_of(rgb))
        camera.wait_for(lambda frames, rgb=rgb: frames and np.array_equal(frames[-1], rgb))
    kinds = {frame.tobytes() for frame in camera.frames}
    assert kinds - {STARTING.tobytes()} == {red_and_blue().tobytes(), noise.tobytes()}


def test_until_the_first_picture_it_says_that_it_is_starting(sink, backend):
    sink.open(FORMAT)
    backend.made[0].wait_for(lambda frames: len(frames) > 1)
    assert all(np.array_equal(frame, STARTING) for frame in backend.made[0].frames)


def test_the_last_frame_is_repeated_while_none_comes(sink, backend):
    sink.open(FORMAT)
    sink.write(frame_of(red_and_blue()))
    backend.made[0].wait_for(lambda frames: len(frames) >= 5)
    last = backend.made[0].frames[-3:]
    assert all(np.array_equal(frame, red_and_blue()) for frame in last)


@pytest.mark.parametrize(
    ("asked", "source", "given"), [(None, 60, 60), (None, 5, 10), (25, 60, 25), (2, 60, 10)]
)
def test_the_rate_is_the_sources_or_the_one_asked_for_but_ten_at_least(
    backend, asked, source, given
):
    sink = VirtualCameraSink(fps=asked)
    sink.open(FrameFormat(width=64, height=48, fps=source, live=True))
    sink.close()
    assert backend.made[0].fps == given


def test_an_odd_size_loses_its_last_row_and_column(sink, backend):
    runner = started(sink, FrameFormat(width=65, height=49, fps=60, live=True))
    rgb = np.random.default_rng(2).integers(0, 256, (49, 65, 3), np.uint8)
    runner.queue.put(frame_of(rgb))
    backend.made[0].wait_for(lambda frames: frames and np.array_equal(frames[-1], rgb[:48, :64]))
    runner.finish()


def test_a_frame_of_another_size_is_fitted_whole(sink, backend):
    runner = started(sink, FORMAT)
    runner.queue.put(frame_of(np.full((48, 32, 3), 200, np.uint8)))
    backend.made[0].wait_for(lambda frames: frames and (frames[-1][:, 20:44] == 200).all())
    runner.finish()
    assert backend.made[0].frames[-1].shape == (48, 64, 3)


def test_close_is_prompt_once_and_may_be_called_twice(sink, backend):
    sink.open(FrameFormat(width=64, height=48, fps=10, live=True))
    sink.write(frame_of(red_and_blue()))
    sink.close()
    assert backend.made[0].closed == 1
    sent = len(backend.made[0].frames)
    sink.close()
    assert backend.made[0].closed == 1
    assert len(backend.made[0].frames) == sent


def test_it_can_be_opened_again(sink, backend):
    for _ in range(2):
        sink.open(FORMAT)
        sink.write(frame_of(red_and_blue()))
        backend.made[-1].wait_for(lambda frames: frames)
        sink.close()
    assert [camera.closed for camera in backend.made] == [1, 1]


def test_a_camera_that_fails_later_is_opened_again_in_the_same_format(
    sink, backend, monkeypatch, caplog
):
    monkeypatch.setattr(backend, "fail_after", 1)
    sink.open(FORMAT)
    wait_until(lambda: len(backend.made) > 1)
    monkeypatch.setattr(backend, "fail_after", None)
    sink.write(frame_of(red_and_blue()))
    wait_until(lambda: any(np.array_equal(f, red_and_blue()) for f in backend.made[-1].frames))
    first, last = backend.made[0], backend.made[-1]
    assert (first.width, first.height, first.fps) == (last.width, last.height, last.fps)
    assert first.closed == 1
    assert "failed (the driver went away); opening it again" in caplog.text
    assert "works again" in caplog.text


def test_a_camera_that_hangs_is_left_behind_and_opened_afresh(sink, backend, monkeypatch, caplog):
    monkeypatch.setattr(paced_camera, "PATIENCE", 0.1)
    gate = threading.Event()
    usual = backend.send
    monkeypatch.setattr(
        backend, "send", lambda self, f: opened(gate) if self is backend.made[0] else usual(self, f)
    )
    sink.open(FORMAT)

    def arrives_again() -> bool:
        sink.write(frame_of(red_and_blue()))
        return len(backend.made) > 1 and bool(backend.made[-1].frames)

    wait_until(arrives_again)
    assert np.array_equal(backend.made[-1].frames[-1], red_and_blue())
    assert not backend.made[0].closed
    assert "takes no picture" in caplog.text
    gate.set()
    wait_until(lambda: backend.made[0].closed == 1)


@pytest.mark.parametrize(
    ("platform", "commands"),
    [
        (
            "linux",
            "sudo apt install v4l2loopback-dkms && sudo modprobe v4l2loopback "
            "devices=1 exclusive_caps=1 card_label=stylecam",
        ),
        ("darwin", "brew install --cask obs"),
        ("win32", "winget install OBSProject.OBSStudio"),
        ("win32", "https://github.com/schellingb/UnityCapture"),
    ],
)
def test_without_a_device_the_commands_that_help_are_given(backend, platform, commands):
    sink = VirtualCameraSink(device="/dev/video99", feed=PacedCamera(platform=platform))
    with pytest.raises(SinkFault) as caught:
        sink.open(FORMAT)
    first, *rest = str(caught.value).splitlines()
    assert first.startswith("virtual-camera: no virtual camera at /dev/video99 (")
    assert "'fake' backend: /dev/video99 is not a V4L2 device" in first
    assert commands in [line.strip() for line in rest]
    sink.close()


def test_every_reason_is_told_when_every_backend_failed(backend):
    pyvirtualcam.register_backend("other", FakeCamera)
    with pytest.raises(SinkFault, match=r"'fake' backend.*'other' backend"):
        VirtualCameraSink(device="/dev/video99").open(FORMAT)


def test_missing_permission_is_not_answered_with_an_installation(backend):
    with pytest.raises(SinkFault) as caught:
        VirtualCameraSink(device="/dev/video98", feed=PacedCamera(platform="linux")).open(FORMAT)
    assert "--groups video" in str(caught.value)
    assert "apt install" not in str(caught.value)


def test_an_unknown_backend_is_a_usage_error_with_the_nearest_name(backend):
    with pytest.raises(UsageError, match="did you mean 'fake'"):
        VirtualCameraSink(backend="fakr").open(FORMAT)


class Usage:
    """What tells of the camera's readers, scripted."""

    def __init__(self) -> None:
        self.watched, self.stopped = False, False

    def stop(self) -> None:
        self.stopped = True


def test_who_comes_sees_the_card_until_a_new_picture_never_an_old_one(backend):
    usage = Usage()
    sink = VirtualCameraSink(backend="fake", feed=PacedCamera(open_usage=lambda _: usage))
    sink.open(FORMAT)
    (camera,) = backend.made
    old, new = red_and_blue(), np.full((48, 64, 3), 77, np.uint8)
    assert not sink.has_viewers
    sink.write(frame_of(old, 7))
    usage.watched = True
    assert sink.has_viewers
    sink.write(frame_of(old, 7))  # the pipeline repeats what it has
    sent = len(camera.frames)
    camera.wait_for(lambda frames: len(frames) > sent + 3)
    assert all((frame == STARTING).all() for frame in camera.frames)
    sink.write(frame_of(new, 8))
    camera.wait_for(lambda frames: (frames[-1] == new).all())
    sink.close()
    assert usage.stopped


def test_a_source_that_does_not_wake_shows_what_there_is(backend, monkeypatch):
    monkeypatch.setattr(sink_module, "WAKING", 0.0)
    usage = Usage()
    sink = VirtualCameraSink(backend="fake", feed=PacedCamera(open_usage=lambda _: usage))
    sink.open(FORMAT)
    (camera,) = backend.made
    lost = np.full((48, 64, 3), 33, np.uint8)
    sink.write(frame_of(lost, 7))
    usage.watched = True
    sink.write(frame_of(lost, 7))
    camera.wait_for(lambda frames: (frames[-1] == lost).all())
    sink.close()


def test_a_camera_that_is_always_on_has_viewers(backend):
    sink = VirtualCameraSink(
        backend="fake", on_demand=False, feed=PacedCamera(open_usage=lambda _: Usage())
    )
    sink.open(FORMAT)
    assert sink.has_viewers
    sink.close()
