import itertools
import logging
import sys
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from models.errors import SourceFault, StylecamError, UsageError
from realtime.sources import camera
from realtime.sources.camera import Camera, NoCamera
from realtime.sources.camera_list import CameraInfo, list_cameras

RED_BGR = np.full((48, 64, 3), (10, 20, 200), np.uint8)
LOGITECH = CameraInfo(0, "Logitech C920", Path("/dev/video0"), "046d:0825", "A1", "usb1")
BUILT_IN = CameraInfo(2, "Integrated Camera", Path("/dev/video2"), "0bda:58f4", "", "usb2")


class FakeCapture:
    """Behaves as cv2.VideoCapture: gives `pictures` in turn, then fails as an unplugged one."""

    def __init__(self, pictures, *, opens=True, fps=30.0, timed=True):
        self.pictures = list(pictures)
        self.opens = opens
        self.fps = fps
        self.timed = timed
        self.asked = []
        self.given = 0
        self.released = 0

    def isOpened(self):  # noqa: N802  OpenCV's name
        return self.opens

    def set(self, key, value):
        self.asked.append((key, value))
        return True

    def get(self, key):
        if key == cv2.CAP_PROP_POS_MSEC:
            return self.given * 33.0 if self.timed else 5.0
        return self.fps if key == cv2.CAP_PROP_FPS else 0.0

    def read(self):
        if self.given >= len(self.pictures):
            return False, None
        self.given += 1
        return True, self.pictures[self.given - 1]

    def release(self):
        self.released += 1


@pytest.fixture(autouse=True)
def short_patience(monkeypatch):
    monkeypatch.setattr(camera, "READ_TIMEOUT", 0.05)
    monkeypatch.setattr(camera, "STALL", 0.2)


def camera_with(capture, which=0, cameras=(LOGITECH, BUILT_IN), **options):
    return Camera(which, capture=lambda index: capture, cameras=lambda: list(cameras), **options)


def test_the_size_is_that_of_the_pictures_whatever_was_asked(caplog):
    capture = FakeCapture([RED_BGR] * 3, fps=25.0)
    source = camera_with(capture, width=1280, height=720, fps=60)
    with caplog.at_level(logging.WARNING):
        given = source.open()
    assert (given.width, given.height, given.fps, given.live) == (64, 48, 25.0, True)
    assert given.frame_count is None
    assert "asked for 1280×720, it gives 64×48" in caplog.text


def test_it_asks_for_mjpg_first_then_size_then_rate():
    capture = FakeCapture([RED_BGR])
    camera_with(capture, width=640, height=480, fps=30).open()
    keys = [key for key, _ in capture.asked]
    assert keys == [
        cv2.CAP_PROP_FOURCC,
        cv2.CAP_PROP_FRAME_WIDTH,
        cv2.CAP_PROP_FRAME_HEIGHT,
        cv2.CAP_PROP_FPS,
        cv2.CAP_PROP_BUFFERSIZE,
    ]
    assert capture.asked[0][1] == cv2.VideoWriter.fourcc(*"MJPG")


@pytest.mark.parametrize("fps", [0.0, -1.0, float("nan")])
def test_a_camera_that_tells_no_rate_is_taken_at_its_word_asked(fps):
    assert camera_with(FakeCapture([RED_BGR], fps=fps), fps=15).open().fps == 15
    assert camera_with(FakeCapture([RED_BGR], fps=fps)).open().fps == 30


@pytest.mark.parametrize(
    ("picture", "expected"),
    [
        (RED_BGR, (200, 20, 10)),
        (np.full((48, 64, 4), (10, 20, 200, 255), np.uint8), (200, 20, 10)),
        (np.full((48, 64), 90, np.uint8), (90, 90, 90)),
        (np.full((48, 64, 1), 90, np.uint8), (90, 90, 90)),
        (np.full((48, 64), 90 * 256 + 7, np.uint16), (90, 90, 90)),
        (np.full((48, 64, 3), (2560, 5120, 51200), np.uint16), (200, 20, 10)),
    ],
    ids=["BGR", "BGRA", "grey", "grey with an axis", "grey of 16 bits", "BGR of 16 bits"],
)
def test_every_kind_of_picture_becomes_rgb(picture, expected):
    source = camera_with(FakeCapture([picture]))
    source.open()
    rgb = source.read().rgb
    assert rgb.shape == (48, 64, 3)
    assert rgb.dtype == np.uint8
    assert tuple(rgb[5, 5]) == expected


@pytest.mark.parametrize(
    "odd",
    [
        np.zeros((48, 64, 2), np.uint8),
        np.zeros((48, 64, 3), np.float32),
        np.zeros((48, 64, 3), np.int8),
        np.zeros((1, 48, 64, 3), np.uint8),
        np.zeros(4096, np.uint8),
    ],
    ids=["two channels", "float", "int8", "a batch", "bytes"],
)
def test_a_picture_of_another_kind_is_a_fault_of_the_camera(odd):
    source = camera_with(FakeCapture([RED_BGR, odd]))
    source.open()
    source.read()
    with pytest.raises(SourceFault, match="a kind that cannot be shown"):
        source.read()


def test_no_frame_is_lost_and_time_goes_on():
    pictures = [np.full((48, 64, 3), level, np.uint8) for level in range(5)]
    source = camera_with(FakeCapture(pictures))
    source.open()
    frames = [source.read() for _ in range(5)]
    assert [int(frame.rgb[0, 0, 0]) for frame in frames] == list(range(5))
    assert [frame.index for frame in frames] == list(range(5))
    assert frames[0].timestamp == 0
    for before, after in itertools.pairwise(frames):
        assert after.captured >= before.captured
        assert after.timestamp == pytest.approx(after.captured - frames[0].captured)


def test_an_unplugged_camera_is_one_clear_line_and_opens_again_when_it_is_back():
    captures = [FakeCapture([RED_BGR] * 2), FakeCapture([RED_BGR] * 2)]
    plugged = iter(captures)
    source = Camera(0, capture=lambda index: next(plugged), cameras=lambda: [LOGITECH])
    source.open()
    before = [source.read() for _ in range(2)]
    with pytest.raises(SourceFault) as caught:
        source.read()
    message = "camera 0 (Logitech C920): stopped giving frames; is it unplugged?"
    assert str(caught.value) == message
    assert caught.value.exit_code == 1

    source.open()
    after = source.read()
    assert captures[0].released == 1
    assert after.index == 2
    assert after.timestamp > before[-1].timestamp


def test_a_single_failed_read_is_forgiven():
    class Skipping(FakeCapture):
        skipped = False

        def read(self):
            if self.given == 1 and not self.skipped:
                self.skipped = True
                return False, None
            return super().read()

    source = camera_with(Skipping([RED_BGR] * 3))
    source.open()
    assert [source.read().index for _ in range(3)] == [0, 1, 2]


def test_a_driver_that_gives_the_same_picture_for_ever_is_taken_for_unplugged(monkeypatch):
    monkeypatch.setattr(camera, "STALL", 0.05)
    source = camera_with(FakeCapture([RED_BGR] * 10**6, timed=False))
    source.open()
    with pytest.raises(SourceFault, match="stopped giving frames"):
        while True:
            source.read()


def test_a_still_picture_with_new_times_is_no_fault(monkeypatch):
    monkeypatch.setattr(camera, "STALL", 0.001)
    source = camera_with(FakeCapture([RED_BGR] * 500))
    source.open()
    assert [source.read().index for _ in range(500)] == list(range(500))


def test_a_camera_that_changes_its_size_is_a_fault():
    source = camera_with(FakeCapture([RED_BGR, np.zeros((96, 128, 3), np.uint8)]))
    source.open()
    source.read()
    with pytest.raises(SourceFault, match="changed its size to 128×96"):
        source.read()


def test_a_camera_that_does_not_open_is_a_fault_and_released():
    capture = FakeCapture([], opens=False)
    with pytest.raises(StylecamError, match="camera 0"):
        camera_with(capture).open()
    assert capture.released == 1


def test_a_camera_that_opens_and_gives_nothing_is_a_fault_and_released():
    capture = FakeCapture([])
    with pytest.raises(SourceFault, match="stopped giving frames"):
        camera_with(capture).open()
    assert capture.released == 1


@pytest.mark.parametrize(
    ("which", "index"),
    [(None, 0), ("logitech", 0), ("Integrated Camera", 2), ("/dev/video2", 2), (2, 2)],
)
def test_a_camera_is_found_by_index_name_or_device_file(which, index):
    opened = []

    def capture(number):
        opened.append(number)
        return FakeCapture([RED_BGR])

    Camera(which, capture=capture, cameras=lambda: [LOGITECH, BUILT_IN]).open()
    assert opened == [index]


def test_an_unknown_name_lists_those_that_are_there():
    with pytest.raises(UsageError) as caught:
        camera_with(FakeCapture([RED_BGR]), which="Canon").open()
    assert str(caught.value) == (
        "'Canon': no such file, and no such camera; found: 0 (Logitech C920), 2 (Integrated Camera)"
    )


def test_a_named_camera_that_was_there_and_is_gone_is_a_fault():
    present = [LOGITECH]
    source = Camera(
        "Logitech", capture=lambda index: FakeCapture([RED_BGR]), cameras=lambda: present
    )
    source.open()
    source.read()
    present.clear()
    with pytest.raises(SourceFault, match="gone; is it unplugged"):
        source.open()


def test_another_camera_is_never_shown_in_place_of_the_one_that_was_opened(caplog):
    present, opened = [LOGITECH, BUILT_IN], []

    def capture(number):
        opened.append(number)
        return FakeCapture([RED_BGR])

    source = Camera(None, capture=capture, cameras=lambda: list(present))
    source.open()
    present.remove(LOGITECH)
    for _ in range(2):
        with pytest.raises(SourceFault, match=r"camera 0 \(Logitech C920\): gone"):
            source.open()
    assert caplog.text.count("waiting for it, not taking camera 2 (Integrated Camera)") == 1
    present.append(replace(LOGITECH, index=4, path=Path("/dev/video4")))
    source.open()
    assert opened == [0, 4]
    assert source.label == "camera 4 (Logitech C920)"


@pytest.mark.skipif(Path("/dev/video99").exists(), reason="this machine has a camera 99")
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux shows by a file what is there")
def test_a_numbered_camera_that_was_there_and_is_gone_is_a_fault():
    captures = iter([FakeCapture([RED_BGR]), FakeCapture([], opens=False)])
    source = Camera(99, capture=lambda index: next(captures), cameras=lambda: [])
    source.open()
    source.read()
    with pytest.raises(SourceFault, match="camera 99: gone; is it unplugged"):
        source.open()


def test_without_any_camera_the_fault_says_so(monkeypatch):
    monkeypatch.setattr("sys.platform", "linux")
    with pytest.raises(NoCamera, match="no camera found"):
        Camera(None, cameras=lambda: []).open()


def test_close_may_come_early_and_twice():
    capture = FakeCapture([RED_BGR] * 2)
    source = camera_with(capture)
    source.close()
    source.open()
    source.close()
    source.close()
    assert capture.released == 1


@pytest.mark.skipif(Path("/dev/video99").exists(), reason="this machine has a camera 99")
def test_opencv_itself_finds_no_camera_99_and_prints_nothing(capfd):
    with pytest.raises(StylecamError, match="camera 99"):
        Camera(99).open()
    assert capfd.readouterr().err == ""


@pytest.mark.camera
@pytest.mark.skipif(not list_cameras(), reason="there is no camera on this machine")
def test_a_real_camera_gives_pictures():
    source = Camera(None, width=640, height=480, fps=30)
    given = source.open()
    frames = [source.read() for _ in range(10)]
    source.close()
    assert frames[-1].rgb.shape == (given.height, given.width, 3)
    assert frames[-1].timestamp > 0
