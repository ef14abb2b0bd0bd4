"""A folder of pictures as a source: a slide show, or one frame per picture."""

import logging
import re
from pathlib import Path

from models.errors import SourceFault, UsageError
from models.pictures import READ_SUFFIXES, RGB
from realtime.frames.frame import Frame, FrameFormat
from realtime.frames.resize import fit
from realtime.sources import EndOfSource, Source
from realtime.sources.image import DEFAULT_FPS, read_picture
from realtime.sources.playback_clock import PlaybackClock

log = logging.getLogger(__name__)

SECONDS_EACH = 3.0


class Folder(Source):
    """The pictures in the folder `path`, sorted as people count (2 before 10).

    If `paced`, each is shown for 3 s at `fps`; otherwise each is one frame. All frames have the
    size of the first picture: others are letterboxed into it. A picture that cannot be read is
    left out with a warning, but `frame_count` includes it. `loop` begins again after the last.
    `close` may come from another thread.
    """

    def __init__(self, path: Path, *, fps: float | None, paced: bool, loop: bool = False) -> None:
        self._path = path
        self._fps = fps or DEFAULT_FPS
        self._paced = paced
        self._loop = loop
        self._repeats = max(1, round(SECONDS_EACH * self._fps)) if paced else 1
        self._clock = PlaybackClock(paced=paced)
        self._pictures: list[Path] = []
        self._position = 0
        self._shown = 0
        self._rgb: RGB | None = None
        self._size = (0, 0)
        self._index = 0

    def open(self) -> FrameFormat:
        self._pictures = self._find()
        self._position = self._shown = 0
        self._clock.start()
        self._rgb = None
        self._rgb = self._next_picture()
        height, width = self._rgb.shape[:2]
        self._size = (width, height)
        count = None if self._loop else len(self._pictures) * self._repeats
        return FrameFormat(width, height, self._fps, live=self._paced, frame_count=count)

    def _find(self) -> list[Path]:
        if not self._path.is_dir():
            raise UsageError(f"{self._path}: no such folder")
        pictures = [p for p in self._path.iterdir() if p.suffix.lower() in READ_SUFFIXES]
        if not pictures:
            raise UsageError(f"{self._path}: no pictures in this folder (.jpg, .png, .webp, …)")
        return sorted(pictures, key=natural_order)

    def _next_picture(self) -> RGB:
        """The next picture that can be read, in its own size; EndOfSource after the last."""
        while self._position < len(self._pictures):
            path = self._pictures[self._position]
            self._position += 1
            try:
                return read_picture(path)
            except (SourceFault, UsageError) as error:
                log.warning("%s; left out", error)
        if self._rgb is None:
            raise SourceFault(
                f"{self._path}: none of its {len(self._pictures)} pictures can be read"
            )
        raise EndOfSource

    def _advance(self) -> RGB:
        try:
            rgb = self._next_picture()
        except EndOfSource:
            if not self._loop:
                raise
            self._position = 0
            rgb = self._next_picture()
        width, height = self._size
        if rgb.shape[:2] != (height, width):
            rgb = fit(rgb, width, height, "letterbox")
            rgb.setflags(write=False)
        return rgb

    def read(self) -> Frame:
        if self._rgb is None:
            raise EndOfSource
        if self._shown == self._repeats:
            self._rgb = self._advance()
            self._shown = 0
        rgb = self._rgb
        timestamp = self._index / self._fps
        captured = self._clock.wait(timestamp)
        self._shown += 1
        self._index += 1
        return Frame(rgb, self._index - 1, captured, timestamp)

    def close(self) -> None:
        self._clock.stop()
        self._pictures = []
        self._rgb = None


def natural_order(path: Path) -> list[tuple[int, str]]:
    """A sort key by which picture2 comes before picture10."""
    parts = re.findall(r"\d+|\D+", path.name.lower())
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]
