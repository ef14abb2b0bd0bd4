"""A webcam at OpenCV's level whose faults a test begins and ends. `FAULTS` are all of them."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from realtime.sources.camera_list import CameraInfo

OWN = CameraInfo(0, "Webcam", Path("/dev/video90"), "046d:0825", "A1", "usb1")
OTHER = CameraInfo(1, "Somebody else's", Path("/dev/video91"), "0bda:58f4", "", "usb2")
LEVEL, OTHER_LEVEL = 40, 90
"""What the camera's pictures are filled with, and those of the camera that nobody chose."""
FOREVER = 60.0


@dataclass
class Device:
    """The state of the world that the test changes. `stuck` opens when the test ends."""

    present: tuple[CameraInfo, ...] = (OWN,)
    opens: bool = True
    works: bool = True
    fps: float = 15.0
    stands_still: bool = False
    release_fails: bool = False
    picture: Callable[[], np.ndarray] | None = None
    skips: int = 0
    hangs: str = ""
    born: int = 0

    def __post_init__(self) -> None:
        self.stuck, self.stall = threading.Event(), threading.Event()


class Capture:
    """Behaves as cv2.VideoCapture on the device."""

    def __init__(self, device: Device, index: int) -> None:
        self._device, self._index = device, index
        device.born += 1
        self._number, self._reads, self._next = device.born, 0, time.monotonic()

    def isOpened(self) -> bool:  # noqa: N802  OpenCV's name
        return self._device.opens and any(c.index == self._index for c in self._device.present)

    def set(self, key: int, value: float) -> bool:
        return True

    def get(self, key: int) -> float:
        if key == cv2.CAP_PROP_POS_MSEC:
            return 5.0 if self._device.stands_still else 1.0 + self._reads
        return self._device.fps if key == cv2.CAP_PROP_FPS else 0.0

    def read(self) -> tuple[bool, np.ndarray | None]:
        device = self._device
        if device.hangs == "for ever" and self._number == 1:
            device.stuck.wait(FOREVER)
        if device.hangs == "for a while":
            device.stall.wait(FOREVER)
        self._next = max(self._next + 1 / device.fps, time.monotonic() - 0.1)
        time.sleep(max(0.0, self._next - time.monotonic()))
        self._reads += 1
        if not (device.works and self.isOpened()):
            return False, None
        if device.skips and self._reads % device.skips == 0:
            return False, None
        if self._index == OTHER.index:
            return True, filled(OTHER_LEVEL)
        return True, (device.picture or (lambda: filled(LEVEL)))()

    def release(self) -> None:
        if self._device.release_fails:
            raise cv2.error("release: bad descriptor")


def filled(level: int, shape: tuple[int, ...] = (48, 64, 3)) -> np.ndarray:
    return np.full(shape, level, np.uint8)


def _raise() -> np.ndarray:
    raise cv2.error("retrieve: corrupt JPEG data")


class Fault(NamedTuple):
    """`begin` and `end` change the device; in between `lasting` s pass. `end` None: it stays so,
    and the time counts from its beginning. `harmless` ones are no reason for a pause."""

    name: str
    begin: Callable[[Device], None]
    end: Callable[[Device], None] | None
    lasting: float = 2.0
    harmless: bool = False


def _set(**fields: object) -> Callable[[Device], None]:
    def change(device: Device) -> None:
        for name, value in fields.items():
            setattr(device, name, value)

    return change


def _go_on(device: Device) -> None:
    device.hangs = ""
    device.stall.set()


MOVED = replace(OWN, index=4, path=Path("/dev/video94"), port="usb7")
FAULTS = (
    Fault("unplugged, then back", _set(present=()), _set(present=(OWN,))),
    Fault("unplugged, back under another number", _set(present=()), _set(present=(MOVED,))),
    Fault("unplugged beside another camera", _set(present=(OTHER,)), _set(present=(OTHER, OWN))),
    Fault("taken by another program", _set(opens=False), _set(opens=True)),
    Fault("gives no pictures", _set(works=False), _set(works=True)),
    Fault("skips every fourth picture", _set(skips=4), _set(skips=0), harmless=True),
    Fault("stalls for 2 s", _set(hangs="for a while"), _go_on),
    Fault("hangs in its driver for ever", _set(hangs="for ever"), None),
    Fault("changes its size", _set(picture=lambda: filled(LEVEL, (96, 128, 3))), None),
    Fault("turns grey", _set(picture=lambda: filled(LEVEL, (48, 64))), None, harmless=True),
    Fault("turns BGRA", _set(picture=lambda: filled(LEVEL, (48, 64, 4))), None, harmless=True),
    Fault(
        "gives pictures of two channels",
        _set(picture=lambda: filled(LEVEL, (48, 64, 2))),
        _set(picture=None),
    ),
    Fault("OpenCV raises an error", _set(picture=_raise), _set(picture=None)),
    Fault("fails, and its release, too", _set(works=False, release_fails=True), _set(works=True)),
    Fault("repeats one picture", _set(stands_still=True), _set(stands_still=False), 4.0),
    Fault("slows down to 2 pictures/s", _set(fps=2.0), _set(fps=15.0), harmless=True),
    Fault("speeds up to 120 pictures/s", _set(fps=120.0), _set(fps=15.0), harmless=True),
)
