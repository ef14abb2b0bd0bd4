"""Animated pictures (GIF, PNG, WebP, AVIF), frame by frame. Uses Pillow."""

import io
import threading
from pathlib import Path
from typing import Any

from models.errors import SourceFault
from models.picture_formats.decoding import flat_rgb, open_image
from models.pictures import RGB
from realtime.sources import EndOfSource
from realtime.sources.decoding.time_line import Span

SHORTEST = 0.011
"""Seconds: shorter durations are shown for USUAL ones, as browsers do."""
USUAL = 0.1


class Animation:
    """The frames of the file at `path`, read as `Decoder` reads those of a video."""

    def __init__(self, path: Path) -> None:
        self._name = str(path)
        self._lock = threading.Lock()
        self._position = 0
        self._time = 0.0
        self._white = False
        try:
            self._image: Any = open_image(io.BytesIO(path.read_bytes()), path.name)
            # A PNG may hold a first picture for programs that know no animation.
            self._first = 1 if getattr(self._image, "default_image", False) else 0
            self.frame_count: int | None = self._image.n_frames - self._first
            first = self._picture(0)
        except Exception as error:  # Pillow's plug-ins raise what they like
            raise SourceFault(f"{path}: damaged or cut off ({error})") from None
        self.height, self.width = first.shape[:2]
        self.fps = 1 / self._duration()

    def _picture(self, number: int) -> RGB:
        self._image.seek(self._first + number)
        rgb = flat_rgb(self._image, name=self._name, warned=self._white)
        self._white = self._white or self._image.has_transparency_data
        return rgb

    def _duration(self) -> float:
        seconds = float(self._image.info.get("duration", 0)) / 1000
        return seconds if seconds >= SHORTEST else USUAL

    def read(self) -> tuple[RGB, Span]:
        """The next picture, and when it is shown. Raises EndOfSource, SourceFault if damaged."""
        with self._lock:
            if self._image is None or self._position == self.frame_count:
                raise EndOfSource
            try:
                rgb = self._picture(self._position)
            except Exception as error:
                where = f"frame {self._position + 1}"
                raise SourceFault(f"{self._name}: damaged at {where} ({error})") from None
            span = Span(self._time, self._duration())
            self._position += 1
            self._time += span.duration
            return rgb, span

    def close(self) -> None:
        with self._lock:
            if self._image is not None:
                self._image.close()
            self._image = None
