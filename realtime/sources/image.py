"""A picture file as a source, and how picture files are read. Uses OpenCV."""

from pathlib import Path

import cv2
import numpy as np

from models.errors import SourceFault, UsageError
from models.pictures import RGB
from realtime.frames.frame import Frame, FrameFormat
from realtime.sources import EndOfSource, Source
from realtime.sources.playback_clock import PlaybackClock

DEFAULT_FPS = 30.0

SUFFIXES = (
    *(".jpg", ".jpeg", ".jpe", ".png", ".webp", ".avif", ".tif", ".tiff", ".bmp", ".dib"),
    *(".jp2", ".hdr", ".pbm", ".pgm", ".ppm", ".pnm"),
)
"""What OpenCV reads as pictures. A .gif may move and is played as a video."""


def read_picture(path: Path) -> RGB:
    """The picture (H, W, 3) uint8 RGB, upright by its EXIF tag, alpha dropped; read-only.

    Grey and 16-bit pictures are converted. Raises UsageError if there is no such file,
    SourceFault if it is not a picture.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise UsageError(f"{path}: no such file") from None
    except OSError as error:
        raise SourceFault(f"{path}: cannot be read ({error.strerror})") from None
    bgr = _decode(data)
    if bgr is None:
        raise SourceFault(f"{path}: not a picture that OpenCV can read, or damaged")
    rgb = np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), dtype=np.uint8)
    rgb.setflags(write=False)
    return rgb


def _decode(data: bytes) -> np.ndarray | None:
    if not data:
        return None
    try:
        # Decoding from memory, since imread refuses non-ASCII paths on Windows.
        return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error:
        return None


class ImageFile(Source):
    """The picture at `path`: repeated at `fps` if `paced`, otherwise given once.

    `loop` repeats it without end, paced or not. `close` may come from another thread.
    """

    def __init__(self, path: Path, *, fps: float | None, paced: bool, loop: bool = False) -> None:
        self._path = path
        self._fps = fps or DEFAULT_FPS
        self._paced = paced
        self._endless = paced or loop
        self._clock = PlaybackClock(paced=paced)
        self._rgb: RGB | None = None
        self._index = 0
        self._given = False

    def open(self) -> FrameFormat:
        self._rgb = read_picture(self._path)
        self._given = False
        self._clock.start()
        height, width = self._rgb.shape[:2]
        count = None if self._endless else 1
        return FrameFormat(width, height, self._fps, live=self._paced, frame_count=count)

    def read(self) -> Frame:
        rgb = self._rgb
        if rgb is None or (self._given and not self._endless):
            raise EndOfSource
        timestamp = self._index / self._fps
        captured = self._clock.wait(timestamp)
        self._given = True
        self._index += 1
        return Frame(rgb, self._index - 1, captured, timestamp)

    def close(self) -> None:
        self._clock.stop()
        self._rgb = None
