"""A picture file as a source."""

from pathlib import Path

import numpy as np

from models import pictures
from models.errors import SourceFault
from models.picture_formats.sixteen_bits import RGB16, eight_bits
from models.pictures import RGB
from realtime.frames.frame import Frame, FrameFormat
from realtime.sources import EndOfSource, Source
from realtime.sources.playback_clock import PlaybackClock

DEFAULT_FPS = 30.0


def read_picture(path: Path) -> RGB:
    """Read a picture as `models.pictures.read_picture` does; the array is read-only.

    Raises UsageError if there is no such file, SourceFault if it is not a picture.
    """
    rgb = pictures.read_picture(path, error=SourceFault)
    rgb.setflags(write=False)
    return rgb


class ImageSource(Source):
    """The picture at `path`: repeated at `fps` if `paced`, otherwise given once.

    Unless it is `paced`, its frame keeps the 16 bits of a file that has them.

    `loop` repeats it without end, paced or not. `close` may come from another thread.
    """

    def __init__(self, path: Path, *, fps: float | None, paced: bool, loop: bool = False) -> None:
        self._path = path
        self._fps = fps or DEFAULT_FPS
        self._paced = paced
        self._endless = paced or loop
        self._clock = PlaybackClock(paced=paced)
        self._rgb: RGB | None = None
        self._deep: RGB16 | None = None
        self._index = 0
        self._given = False

    def open(self) -> FrameFormat:
        self._read()
        assert self._rgb is not None
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
        return Frame(rgb, self._index - 1, captured, timestamp, deep=self._deep)

    def _read(self) -> None:
        if self._paced:
            self._rgb = read_picture(self._path)
            return
        picture = pictures.read_deep_picture(self._path, error=SourceFault)
        self._deep = picture.astype(np.uint16, copy=False) if picture.dtype == np.uint16 else None
        self._rgb = eight_bits(picture)
        self._rgb.setflags(write=False)

    def close(self) -> None:
        self._clock.stop()
        self._rgb = self._deep = None
