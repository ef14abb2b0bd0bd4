"""From a picture file through the whole pipeline to a virtual camera: the bytes of the backend."""

import threading

import cv2
import numpy as np
import pytest
import pyvirtualcam

from models.catalogue import find_style
from models.default_style import DEFAULT_STYLE
from realtime.build import build
from realtime.config.schema import Config
from realtime.frames.views import placeholder
from realtime.inference.backends.registry import make_backend

ENOUGH = 3
PATIENCE = 60.0


class KeepingCamera:
    """A pyvirtualcam backend without a device; its native format is the one it is given."""

    frames: "list[np.ndarray]" = []  # noqa: RUF012  the fixture empties it
    enough = threading.Event()

    def __init__(self, *, width, height, fps, fourcc, device):
        self.shape, self.fourcc = (height, width, 3), fourcc
        self.painted = 0

    def send(self, frame):
        picture = frame.reshape(self.shape).copy()
        self.frames.append(picture)
        self.painted += not np.array_equal(picture, placeholder(*self.shape[:2], "starting"))
        if self.painted >= ENOUGH:
            self.enough.set()

    def close(self):
        pass

    def device(self):
        return "keeping"

    def native_fourcc(self):
        return self.fourcc


@pytest.fixture
def camera(monkeypatch):
    monkeypatch.setattr(KeepingCamera, "frames", [])
    KeepingCamera.enough.clear()
    monkeypatch.setattr(pyvirtualcam.camera, "BACKENDS", {})
    pyvirtualcam.register_backend("keeping", KeepingCamera)
    return KeepingCamera


@pytest.fixture
def red_and_blue(tmp_path):
    """The file, and what is in it: red left, blue right."""
    rgb = np.zeros((96, 128, 3), np.uint8)
    rgb[:, :64] = (255, 0, 0)
    rgb[:, 64:] = (0, 0, 255)
    path = tmp_path / "red-and-blue.png"
    assert cv2.imwrite(str(path), rgb[..., ::-1])
    return path, rgb


@pytest.mark.parametrize("strength", [0.0, 1.0])
def test_a_call_gets_what_the_backend_paints(camera, red_and_blue, strength):
    path, rgb = red_and_blue
    config = Config.model_validate(
        {
            "source": {"input": str(path)},
            "style": {"name": DEFAULT_STYLE, "strength": strength},
            "processing": {"device": "cpu"},
            "sinks": ["virtual-camera"],
            "virtual_camera": {"backend": "keeping", "outlive": 0},
        }
    )
    backend = make_backend("onnx", "cpu")
    card = find_style(DEFAULT_STYLE)
    backend.load(card)
    expected = backend.stylize(card.preparation.prepared(rgb)) if strength else rgb
    backend.close()
    pipeline = build(config, on_message=lambda _: None).pipeline

    def stop_when_enough():
        camera.enough.wait(PATIENCE)
        pipeline.stop()

    threading.Thread(target=stop_when_enough, daemon=True).start()
    pipeline.start()
    pipeline.run()
    starting = placeholder(*rgb.shape[:2], "starting")
    shown = [frame for frame in camera.frames if not np.array_equal(frame, starting)]
    assert shown
    assert all((frame == expected).all() for frame in shown)
    if strength == 0:
        assert tuple(shown[0][48, 10]) == (255, 0, 0)
        assert tuple(shown[0][48, 110]) == (0, 0, 255)
    else:
        assert np.abs(expected.astype(int) - rgb).mean() > 10
