"""Reads a webcam through OpenCV."""

import copy
import logging
import math
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from models.errors import SourceFault, UsageError
from models.pictures import RGB
from realtime.frames.frame import Frame, FrameFormat
from realtime.sources import Source
from realtime.sources.camera_list import (
    CameraInfo,
    device_number,
    find_again,
    found,
    list_cameras,
)
from realtime.sources.device_holder import holder_of

log = logging.getLogger(__name__)

DEFAULT_FPS = 30.0
STALL = 3.0
"""Seconds without a new picture after which a camera counts as unplugged."""

READ_TIMEOUT = 0.5
"""Seconds for which failed reads are tried again: some cameras skip one now and then."""

CHANNELS_GREY, CHANNELS_BGR, CHANNELS_BGRA = 1, 3, 4


class NoCamera(SourceFault):
    """This machine has no camera at all."""


def open_capture(index: int) -> Any:
    """A cv2.VideoCapture by the system's own backend; its `isOpened` tells whether it opened."""
    # OpenCV reads both at the first use of a capture; a user's own values are kept.
    os.environ.setdefault("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", str(int(STALL)))
    os.environ.setdefault("OPENCV_VIDEOIO_MSMF_ENABLE_HW_TRANSFORMS", "0")
    import cv2

    backends = {"linux": cv2.CAP_V4L2, "win32": cv2.CAP_DSHOW, "darwin": cv2.CAP_AVFOUNDATION}
    logging_level = cv2.utils.logging.getLogLevel()
    # We report a camera that does not open ourselves, in one line.
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        return cv2.VideoCapture(index, backends.get(sys.platform, cv2.CAP_ANY))
    finally:
        cv2.utils.logging.setLogLevel(logging_level)


class Camera(Source):
    """The camera called `which`: an index, part of a name, a device file, or None for the first.

    Size and rate are only requests; `open` reports what the camera gives. Opened again, it is
    the same camera or a SourceFault, where the system lists cameras: another one would show what
    nobody meant to show. `capture` makes an object like cv2.VideoCapture from an index; `cameras`
    lists the cameras present.
    """

    def __init__(
        self,
        which: str | int | None = None,
        *,
        width: int | None = None,
        height: int | None = None,
        fps: float | None = None,
        capture: Callable[[int], Any] = open_capture,
        cameras: Callable[[], list[CameraInfo]] = list_cameras,
    ) -> None:
        self._which = which
        self._wanted = (width, height, fps)
        self._make_capture = capture
        self._list = cameras
        self._capture: Any = None
        self.label = "camera" if which is None else f"camera {which}"
        self._opened: CameraInfo | None = None
        self._others: list[CameraInfo] = []
        self._refused: CameraInfo | None = None
        self._shape = (0, 0)
        self._position = 0.0
        self._position_changed = 0.0
        self._first: float | None = None
        self._held: RGB | None = None
        self._index = 0

    def open(self) -> FrameFormat:
        self.close()
        present = self._list()
        index = self._find(present) if self._opened is None else self._find_again(present)
        info = next((camera for camera in present if camera.index == index), None)
        self.label = f"camera {info or index}"
        self._capture = self._make_capture(index)
        try:
            if not self._capture.isOpened():
                raise self._cannot_open(index)
            self._negotiate()
            self._position_changed = time.monotonic()
            self._held = self._grab(STALL)
            self._shape = self._held.shape[:2]
            if self._opened is None and info is not None:
                self._opened = info
                self._others = [camera for camera in present if camera is not info]
            return self._report()
        except BaseException:
            self.close()
            raise

    def _find(self, present: list[CameraInfo]) -> int:
        """The index of the camera meant."""
        number = self._which if isinstance(self._which, int) else device_number(self._which)
        if number is not None:
            return number
        if not isinstance(self._which, str):
            if not present and sys.platform == "linux":
                raise NoCamera("no camera found; plug one in, or take `--source demo`")
            return present[0].index if present else 0
        for camera in present:
            if self._which.lower() in camera.name.lower():
                return camera.index
        raise UsageError(f"{self._which!r}: no such file, and no such camera; {found(present)}")

    def _find_again(self, present: list[CameraInfo]) -> int:
        """The index that the camera which was opened first has now."""
        assert self._opened is not None
        same = find_again(self._opened, present, self._others)
        if same is not None:
            return same.index
        if present and present[0] != self._refused:
            self._refused = present[0]
            log.warning("%s: gone; waiting for it, not taking camera %s", self.label, present[0])
        raise SourceFault(f"{self.label}: gone; is it unplugged?")

    def _cannot_open(self, index: int) -> SourceFault | UsageError:
        device = Path(f"/dev/video{index}")
        if sys.platform == "linux" and not device.exists():
            if self._index:
                return SourceFault(f"{self.label}: gone; is it unplugged?")
            return UsageError(f"{self.label}: no such camera; {found(self._list())}")
        if device.exists() and not os.access(device, os.R_OK | os.W_OK):
            return SourceFault(
                f"{self.label}: permission denied for {device}; add yourself to the group 'video'"
            )
        if self._which is None and not self._list():
            return NoCamera("no camera found; plug one in, or take `--source demo`")
        holder = holder_of(device)
        who = "is another program using it?" if holder is None else f"held by {holder}"
        return SourceFault(f"{self.label}: cannot be opened; {who}")

    def _negotiate(self) -> None:
        """Ask in the order that costs V4L2 the fewest restarts: format, size, then rate."""
        import cv2

        width, height, fps = self._wanted
        self._capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))
        if width and height:
            self._capture.set(cv2.CAP_PROP_FRAME_WIDTH, width)
            self._capture.set(cv2.CAP_PROP_FRAME_HEIGHT, height)
        if fps:
            self._capture.set(cv2.CAP_PROP_FPS, fps)
        self._capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)

    def _report(self) -> FrameFormat:
        import cv2

        height, width = self._shape
        fps = self._capture.get(cv2.CAP_PROP_FPS)
        wanted_width, wanted_height, wanted_fps = self._wanted
        if not (math.isfinite(fps) and fps > 0):
            fps = wanted_fps or DEFAULT_FPS
        log.info("%s: %d×%d at %g frames/s", self.label, width, height, fps)
        if (wanted_width or width, wanted_height or height) != (width, height):
            log.warning(
                "%s: asked for %s×%s, it gives %d×%d",
                *(self.label, wanted_width, wanted_height, width, height),
            )
        return FrameFormat(width, height, fps, live=True)

    def read(self) -> Frame:
        rgb = self._grab(READ_TIMEOUT) if self._held is None else self._held
        self._held = None
        if rgb.shape[:2] != self._shape:
            raise SourceFault(
                f"{self.label}: changed its size to {rgb.shape[1]}×{rgb.shape[0]} while running"
            )
        captured = time.monotonic()
        if self._first is None:
            self._first = captured
        self._index += 1
        return Frame(rgb, self._index - 1, captured, captured - self._first)

    def _grab(self, patience: float) -> RGB:
        deadline = time.monotonic() + patience
        while True:
            given, picture = self._capture.read() if self._capture is not None else (False, None)
            if given and picture is not None and picture.size and not self._is_stale():
                return to_rgb(picture)
            if time.monotonic() >= deadline:
                raise SourceFault(f"{self.label}: stopped giving frames; is it unplugged?")
            time.sleep(0.01)

    def _is_stale(self) -> bool:
        """Whether the driver has been repeating the same picture for too long.

        This is judged by the picture's own time, if the backend has one. Equal contents prove
        nothing: a closed shutter and a still virtual camera give them too.
        """
        import cv2

        now = time.monotonic()
        position = self._capture.get(cv2.CAP_PROP_POS_MSEC)
        if position != self._position or not position > 0:
            self._position = position
            self._position_changed = now
        return now - self._position_changed > STALL

    def renewed(self) -> "Camera":
        """See `Source.renewed`; it opens only the same camera."""
        fresh = copy.copy(self)
        fresh._capture = fresh._held = None
        return fresh

    def close(self) -> None:
        self._held = None
        capture, self._capture = self._capture, None
        if capture is None:
            return
        try:
            capture.release()
        except Exception as error:  # drivers raise what they like; opening it again may still work
            log.debug("%s: could not be released: %s", self.label, error)


def to_rgb(picture: np.ndarray) -> RGB:
    """OpenCV's picture, grey (H, W) or (H, W, 1), BGR or BGRA, as RGB (H, W, 3).

    Of 16 bits the upper 8 are taken. Raises SourceFault for any other kind of picture.
    """
    import cv2

    conversions = {
        CHANNELS_GREY: cv2.COLOR_GRAY2RGB,
        CHANNELS_BGR: cv2.COLOR_BGR2RGB,
        CHANNELS_BGRA: cv2.COLOR_BGRA2RGB,
    }
    channels = 1 if picture.ndim == 2 else picture.shape[-1]
    if picture.dtype == np.uint16:
        picture = (picture >> 8).astype(np.uint8)
    if picture.dtype != np.uint8 or picture.ndim not in (2, 3) or channels not in conversions:
        kind = f"{picture.dtype}, {channels} channel{'s' if channels != 1 else ''}"
        raise SourceFault(f"the camera gives pictures of a kind that cannot be shown ({kind})")
    return np.asarray(cv2.cvtColor(picture, conversions[channels]), dtype=np.uint8)
