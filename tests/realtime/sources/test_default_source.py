"""What runs where no source was named."""

import pytest

from models.errors import SourceFault
from realtime.sources.camera import NoCamera
from realtime.sources.default_source import DefaultSource
from tests.realtime.fakes import FakeSource, make_frames


def first_camera(camera: FakeSource, said: list[str]) -> DefaultSource:
    return DefaultSource(width=64, height=48, fps=30.0, say=said.append, camera=camera)


def test_a_camera_that_is_there_is_taken_without_a_word():
    said: list[str] = []
    source = first_camera(FakeSource(make_frames(2), live=True), said)
    assert source.open().live
    assert [source.read().index for _ in range(2)] == [0, 1]
    assert said == []
    assert source.label.startswith("camera")


def test_without_a_camera_the_demo_is_shown_aloud():
    said: list[str] = []
    source = first_camera(FakeSource([], open_faults=[NoCamera("none")]), said)
    frames = source.open()
    assert (frames.width, frames.height, frames.fps) == (64, 48, 30.0)
    assert frames.live  # at a camera's pace, whatever looks at it
    assert source.read().rgb.shape == (48, 64, 3)
    source.close()
    (line,) = said
    assert "no camera" in line and "demo" in line
    assert source.label == "demo"


def test_a_camera_in_use_is_an_error_not_a_reason_for_the_demo():
    source = first_camera(FakeSource([], open_faults=[SourceFault("busy")]), [])
    with pytest.raises(SourceFault, match="busy"):
        source.open()


def test_a_camera_that_is_unplugged_is_waited_for_not_replaced():
    said: list[str] = []
    camera = FakeSource(make_frames(1), open_faults=[None, NoCamera("gone"), None])
    source = first_camera(camera, said)
    source.open()
    with pytest.raises(NoCamera):
        source.open()
    source.open()
    assert said == []
    assert source.label.startswith("camera")
