"""When a generator fails, no output shows the camera's picture: each backend, each sink."""

from collections.abc import Iterator
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
import pyvirtualcam

from models.errors import ModelError
from realtime.control.state import Settings, SettingsStore
from realtime.frames.views import placeholder
from realtime.inference.backends.registry import BACKENDS, make_backend
from realtime.inference.backends.restarting import RestartingBackend
from realtime.inference.stylizer import Stylizer
from realtime.pipeline.pipeline import Pipeline, Plan
from realtime.sinks import Sink, window
from realtime.sinks.image_file import ImageFile
from realtime.sinks.recording.recorder import CONTAINERS, Recorder
from realtime.sinks.virtual_camera.sink import VirtualCameraSink
from realtime.sinks.web import WebSink
from tests.realtime.fakes import (
    FakeBackend,
    FakeSink,
    FakeSource,
    card_of,
    frame_of,
    wait_until,
)

SIZE = (96, 72)
BRIGHT = 200
"""The camera's picture is brighter than that all over, the card nowhere."""
SETTINGS = Settings(styles=("one",), style="one")


def camera_frames(count: int = 6) -> Iterator:
    random = np.random.default_rng(0)
    for index in range(count):
        yield frame_of(random.integers(BRIGHT, 256, (*SIZE[::-1], 3), np.uint8), index)


def is_card(rgb: np.ndarray) -> bool:
    return rgb.mean() < 60 and rgb.max() < BRIGHT


def broken(rgb):
    raise RuntimeError("device lost")


def run(backend, *sinks: Sink, settings: Settings = SETTINGS, then=lambda: None) -> None:
    watched = FakeSink("watched", live=True)
    frames = list(camera_frames())
    shown = [lambda n=n: wait_until(lambda: len(watched.frames) > n) for n in range(len(frames))]
    script = [step for pair in zip(frames, shown, strict=True) for step in pair]
    stylizer = Stylizer(card_of, lambda _: backend, keep=1)
    stylizer.load("one")
    source = FakeSource([*script, then], live=True, size=SIZE)
    pipeline = Pipeline(
        source, stylizer, [watched, *sinks], SettingsStore(settings), Plan(live=True)
    )
    pipeline.start()
    pipeline.run()
    assert len(watched.frames) >= len(frames)
    assert all(is_card(frame.rgb) for frame in watched.frames)


@pytest.mark.parametrize("name", BACKENDS)
@pytest.mark.parametrize("view", ["styled", "split"])
def test_a_backend_whose_runtime_is_gone(name, view, swap, monkeypatch):
    if name == "openvino":
        pytest.importorskip("openvino")
    backend = make_backend(name, "cpu", threads=1)
    backend.load(swap)
    backend.warm_up(*SIZE[::-1])
    backend.close()  # what is left raises at each frame, as after a lost device
    monkeypatch.setattr(backend, "load", lambda card: name)
    monkeypatch.setattr(backend, "warm_up", lambda height, width: None)
    run(backend, settings=Settings(styles=("one",), style="one", view=view))


def test_a_backend_that_is_being_started_again():
    backend = RestartingBackend(lambda: FakeBackend(broken))
    run(backend)
    with pytest.raises((ModelError, RuntimeError)):
        backend.stylize(next(camera_frames()).rgb)


def pictures_of(path: Path) -> list[np.ndarray]:
    with av.open(str(path)) as video:
        return [frame.to_ndarray(format="rgb24") for frame in video.decode(video=0)]


@pytest.mark.parametrize("suffix", CONTAINERS)
def test_recordings(suffix, tmp_path):
    path = tmp_path / f"out{suffix}"
    run(FakeBackend(broken), Recorder(path))
    pictures = pictures_of(path)
    assert pictures
    assert all(is_card(rgb) for rgb in pictures)


def test_a_picture_file(tmp_path):
    run(FakeBackend(broken), ImageFile(str(tmp_path / "out.png")))
    [rgb] = pictures_of(tmp_path / "out.png")
    assert np.array_equal(rgb, placeholder(*SIZE[::-1]))


class KeepingCamera:
    """A pyvirtualcam backend without a device; its native format is the one it is given."""

    def __init__(self, *, width, height, fps, fourcc, device):
        self.shape, self.fourcc = (height, width, 3), fourcc

    def send(self, frame):
        sent.append(frame.reshape(self.shape).copy())

    def close(self):
        pass

    def device(self):
        return "keeping"

    def native_fourcc(self):
        return self.fourcc


sent: list[np.ndarray] = []


def test_a_virtual_camera(monkeypatch):
    monkeypatch.setattr(pyvirtualcam.camera, "BACKENDS", {})
    pyvirtualcam.register_backend("keeping", KeepingCamera)
    sent.clear()
    card = placeholder(*SIZE[::-1])
    run(
        FakeBackend(broken),
        VirtualCameraSink(backend="keeping"),
        then=lambda: wait_until(lambda: any(np.array_equal(rgb, card) for rgb in sent)),
    )
    assert all(is_card(rgb) for rgb in sent)


class Page:
    """In place of the control server: keeps what a page would be sent."""

    url, has_viewers = None, True

    def __init__(self) -> None:
        self.sent: list[bytes] = []

    def attach(self, newest) -> None:
        pass

    def detach(self) -> None:
        pass

    def publish(self, jpeg: bytes) -> None:
        self.sent.append(jpeg)


def test_a_page():
    page = Page()
    run(FakeBackend(broken), WebSink(server=page))
    assert page.sent
    for jpeg in page.sent:
        assert is_card(cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR))


def test_a_window(monkeypatch):
    shown: list[np.ndarray] = []
    monkeypatch.setattr(window, "_why_no_window", lambda: None)
    for name in ("namedWindow", "resizeWindow", "destroyWindow", "setWindowProperty"):
        monkeypatch.setattr(cv2, name, lambda *_: None)
    monkeypatch.setattr(cv2, "getWindowImageRect", lambda _: (0, 0, *SIZE))
    monkeypatch.setattr(cv2, "getWindowProperty", lambda *_: 1.0)
    monkeypatch.setattr(cv2, "waitKeyEx", lambda _: -1)
    monkeypatch.setattr(cv2, "imshow", lambda _, bgr: shown.append(bgr.copy()))
    run(FakeBackend(broken), window.WindowSink(on_key=lambda _: None))
    assert shown
    assert all(is_card(bgr) for bgr in shown)
