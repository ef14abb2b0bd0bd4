"""Writes picture files: the newest frame to one file, or every frame to a numbered file."""

import contextlib
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from models import pictures
from models.errors import SinkFault, UsageError
from models.picture_formats.sixteen_bits import RGB16
from models.pictures import RGB, check_size, check_suffix
from models.system.output_path import check_writable
from realtime.frames.frame import Frame, FrameFormat
from realtime.sinks import Sink

NUMBER = re.compile(r"(?<!%)%(0?)(\d*)d")
STDOUT = Path("-")
FOLDER_PATTERN = "frame-%06d.png"


class ImageFile(Sink):
    """`path` is one of these, by its form:

    out.png            the newest frame, written on `close`
    out-%04d.png       every frame, numbered by its index
    out/               every frame, as frame-000000.png and so on; the folder is created

    In a name %% means %, and "-" is standard output, as PNG. The suffix chooses PNG, JPEG,
    WebP or TIFF; another is a UsageError. `quality` (1..100) is that of JPEG and WebP. A frame's
    16 bits are written where the format has them.
    A file appears whole or not at all.
    """

    live = False

    def __init__(
        self, path: str, *, name: str | None = None, quality: int = pictures.QUALITY
    ) -> None:
        self.name = name or f"image:{path}"
        self._quality = quality
        self._in_folder = path.endswith(("/", os.sep))
        self._path = Path(path) / FOLDER_PATTERN if self._in_folder else Path(path)
        self._numbered = NUMBER.search(self._path.name) is not None
        if not self._numbered:
            self._path = self._path.with_name(self._path.name.replace("%%", "%"))
        self._newest: RGB | RGB16 | None = None
        if self._path != STDOUT:
            check_suffix(self._path)

    def existing(self) -> Iterator[Path]:
        """The existing files with its name, or with a name that fits its numbered pattern."""
        if not self._numbered:
            yield from filter(Path.is_file, [self._path])
            return
        before, _, _, after = NUMBER.split(self._path.name, maxsplit=1)
        name = re.compile(f"{re.escape(before)} *[0-9]+{re.escape(after)}")
        with contextlib.suppress(OSError):  # no such folder yet
            yield from (p for p in sorted(self._path.parent.iterdir()) if name.fullmatch(p.name))

    def open(self, frames: FrameFormat) -> None:
        if self._in_folder:
            try:
                self._path.parent.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                reason = f"cannot be created ({error.strerror})"
                raise UsageError(f"{self._path.parent}: {reason}") from None
        if self._path == STDOUT:
            return
        check_size(self._path, frames.width, frames.height)
        check_writable(numbered(self._path, 0) if self._numbered else self._path)

    def write(self, frame: Frame) -> None:
        picture = frame.rgb if frame.deep is None else frame.deep
        if self._numbered:
            write_picture(numbered(self._path, frame.index), picture, quality=self._quality)
        else:
            self._newest = picture

    def close(self) -> None:
        newest, self._newest = self._newest, None
        if newest is None:
            return
        if self._path == STDOUT:
            sys.stdout.buffer.write(pictures.encode_picture(newest, ".png", tagged=True))
            sys.stdout.buffer.flush()
        else:
            write_picture(self._path, newest, quality=self._quality)


def numbered(pattern: Path, number: int) -> Path:
    """out-%04d.png and 7 make out-0007.png."""

    def digits(match: re.Match[str]) -> str:
        return str(number).rjust(int(match[2] or 0), "0" if match[1] else " ")

    return pattern.with_name(NUMBER.sub(digits, pattern.name, count=1).replace("%%", "%"))


def escaped(path: Path) -> str:
    """The form of `path` in which a % of its name stands for itself."""
    return str(path.with_name(path.name.replace("%", "%%"))) if path.name else str(path)


def write_picture(path: Path, rgb: RGB | RGB16, *, quality: int = pictures.QUALITY) -> None:
    """`models.pictures.write_picture`, but raises SinkFault if the file cannot be written."""
    pictures.write_picture(path, rgb, quality=quality, error=SinkFault)
