"""The camera of PipeWire: PipeWire and WirePlumber of the test's own, and a real reader."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import pyvirtualcam

from models.errors import SinkFault
from realtime.frames.frame import FrameFormat
from realtime.sinks.virtual_camera import devices, pipewire_node
from realtime.sinks.virtual_camera.devices import CameraSpec, open_camera
from realtime.sinks.virtual_camera.sink import VirtualCameraSink
from tests.faults.scripted_virtual_camera import PATIENCE, until
from tests.pipewire import MISSING, cameras, reader, started_pipewire
from tests.realtime.fakes import frame_of

FORMAT = FrameFormat(width=320, height=240, fps=25, live=True)
SPEC = CameraSpec("virtual-camera", None, None, 320, 240, 25.0)


@pytest.fixture
def pipewire(monkeypatch):
    """A folder in which PipeWire and WirePlumber run."""
    if MISSING:
        pytest.skip(f"not installed: {', '.join(MISSING)}")
    with started_pipewire() as own:
        for name, value in own.items():
            monkeypatch.setenv(name, value)
        yield Path(own["HOME"])


def read(folder: Path, count: int) -> np.ndarray:
    """The last of `count` pictures that another program gets from the camera."""
    out = folder / "read.rgb"
    command = reader(f"filesink location={out}", count=count)
    subprocess.run(command, check=True, timeout=PATIENCE, stdout=subprocess.DEVNULL)
    return np.frombuffer(out.read_bytes(), np.uint8).reshape(-1, 240, 320, 3)[-1]


@contextmanager
def call() -> Iterator[None]:
    """A program that reads the camera meanwhile, as a call does."""
    process = subprocess.Popen(reader("fakesink"), stdout=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def shows(folder: Path, left: tuple, right: tuple) -> bool:
    rgb = read(folder, 3).astype(int)
    sides = ((rgb[120, 80], left), (rgb[120, 240], right))
    return all(np.abs(found - wanted).max() < 12 for found, wanted in sides)


def red_and_blue() -> np.ndarray:
    rgb = np.zeros((240, 320, 3), np.uint8)
    rgb[:, :160], rgb[:, 160:] = (200, 30, 30), (30, 30, 200)
    return rgb


def test_other_programs_read_the_painting_and_the_card_once_stylecam_is_gone(pipewire):
    from realtime.sinks.virtual_camera.camera_process import CameraProcess

    feed = CameraProcess(outlive=PATIENCE)
    sink = VirtualCameraSink(device="pipewire", feed=feed)
    sink.open(FORMAT)
    try:
        found: list[dict] = []
        until(lambda: found.extend(cameras()) or found)
        [camera] = found
        until(lambda: not sink.has_viewers)
        properties = camera["info"]["props"]
        assert properties["media.role"] == "Camera"
        assert properties["node.description"] == "stylecam"
        with call():
            until(lambda: sink.has_viewers)
            sink.write(frame_of(red_and_blue(), 1))
            until(lambda: shows(pipewire, (200, 30, 30), (30, 30, 200)))
        feed._closing.set()
        feed._keeper.link.hang_up()  # as when stylecam is killed
        until(lambda: shows(pipewire, (28, 28, 28), (28, 28, 28)))
        sink = VirtualCameraSink(device="pipewire", feed=CameraProcess(outlive=PATIENCE))
        sink.open(FORMAT)
        with call():
            until(lambda: sink.has_viewers)
            sink.write(frame_of(red_and_blue(), 1))
            until(lambda: shows(pipewire, (200, 30, 30), (30, 30, 200)))
        assert [other["id"] for other in cameras()] == [camera["id"]]
    finally:
        sink.close()
        feed.close()
    until(lambda: not cameras())


def test_it_is_taken_where_no_other_camera_is_found(monkeypatch):
    made = []
    monkeypatch.setattr(pyvirtualcam.camera, "BACKENDS", {})
    monkeypatch.setattr(devices, "PipewireNode", lambda *given: made.append(given) or "a node")
    monkeypatch.setattr(devices, "why_no_pipewire", lambda: None)
    assert open_camera(SPEC, may_be_pipewire=True, platform="linux") == "a node"
    assert made == [("virtual-camera", 320, 240, 25.0)]
    for may, platform, reason in (
        (False, "linux", None),
        (True, "win32", None),
        (True, "linux", "no"),
    ):
        monkeypatch.setattr(devices, "why_no_pipewire", lambda reason=reason: reason)
        with pytest.raises(SinkFault, match="no virtual camera"):
            open_camera(SPEC, may_be_pipewire=may, platform=platform)


def test_what_is_missing_is_told_with_the_command(monkeypatch, tmp_path):
    monkeypatch.setattr(pipewire_node.shutil, "which", lambda program: None)
    with pytest.raises(SinkFault, match="sudo apt install pipewire"):
        pipewire_node.PipewireNode("virtual-camera", 320, 240, 25.0)
    monkeypatch.setattr(pipewire_node.shutil, "which", lambda program: program)
    monkeypatch.setattr(
        pipewire_node.subprocess, "run", lambda *_, **__: subprocess.CompletedProcess([], 0)
    )
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    with pytest.raises(SinkFault, match="PipeWire does not run"):
        pipewire_node.PipewireNode("virtual-camera", 320, 240, 25.0)
