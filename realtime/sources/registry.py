"""Makes the source that a text means: "demo", "camera", "0", "Logitech", a path, an address."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from models.errors import UsageError
from realtime.sources import Source

DEVICE_PREFIX = "/dev/"
ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
STDIN = "-"

FILE_ENDING = re.compile(r"\.[A-Za-z]\w{1,4}$")
"""Distinguishes clip.mp4 from the name of a camera."""


@dataclass(frozen=True, slots=True)
class SourceRequest:
    """What a source is asked for. See `make_source`."""

    spec: str
    width: int | None
    height: int | None
    fps: float | None
    paced: bool
    loop: bool
    start: float
    end: float | None


def make_source(
    spec: str,
    *,
    width: int | None,
    height: int | None,
    fps: float | None,
    paced: bool,
    loop: bool = False,
    start: float = 0.0,
    end: float | None = None,
) -> Source:
    """The source that `spec` means, not yet open.

    `paced` is for live sinks: files then keep to their own times. Width and height (pixels) and
    `fps` are requests to a camera, and exact for the demo; `fps` is also the rate of pictures.
    Video files and streams keep their own size and rate; of a file, the part from `start` to `end`
    (in seconds; None: all the rest) is read. Raises UsageError for an impossible size
    or rate, and for a path that does not exist.
    """
    for key, value in (("width", width), ("height", height), ("fps", fps)):
        if value is not None and not value > 0:
            raise UsageError(f"{key} {value:g} cannot be; it must be more than 0")
    if not spec:
        raise UsageError("the source is empty; give demo, camera, a path or an address")
    return KINDS[source_kind(spec)](
        SourceRequest(spec, width, height, fps, paced, loop, start, end)
    )


def source_kind(spec: str) -> str:
    """The key of KINDS that `spec` belongs to. Raises UsageError for a path that is not there."""
    path = Path(spec)
    if path.exists() or spec == STDIN:
        return _kind_of_path(path)
    if spec in ("demo", "camera"):
        return spec
    if ADDRESS.match(spec):
        return "stream"
    is_path = path.name != spec or FILE_ENDING.search(spec)
    if is_path and not spec.startswith(DEVICE_PREFIX):
        raise UsageError(f"{spec}: no such file")
    return "device"


def _kind_of_path(path: Path) -> str:
    """The key of KINDS for something that exists: its name means no more than that."""
    from realtime.sources.decoding.file_kind import file_kind

    if path.is_dir():
        return "folder"
    if path.is_file():
        return "image" if file_kind(path) == "image" else "video"
    if path.is_fifo() or str(path) == STDIN:
        return "pipe"
    return "device"


def _demo(request: SourceRequest) -> Source:
    from realtime.sources.demo import Demo

    return Demo(width=request.width, height=request.height, fps=request.fps, paced=request.paced)


def _camera(request: SourceRequest) -> Source:
    from realtime.sources.camera import Camera

    which: str | int | None = request.spec
    if request.spec == "camera":
        which = None
    elif request.spec.isdecimal():
        which = int(request.spec)
    return Camera(which, width=request.width, height=request.height, fps=request.fps)


def _stream(request: SourceRequest) -> Source:
    from realtime.sources.stream import Stream

    return Stream(request.spec, paced=request.paced)


def _folder(request: SourceRequest) -> Source:
    from realtime.sources.folder import Folder

    return Folder(Path(request.spec), fps=request.fps, paced=request.paced, loop=request.loop)


def _image(request: SourceRequest) -> Source:
    from realtime.sources.image import ImageSource

    return ImageSource(Path(request.spec), fps=request.fps, paced=request.paced, loop=request.loop)


def _video(request: SourceRequest) -> Source:
    from realtime.sources.video_file import VideoFile

    return VideoFile(
        Path(request.spec),
        paced=request.paced,
        loop=request.loop,
        start=request.start,
        end=request.end,
    )


KINDS: dict[str, Callable[[SourceRequest], Source]] = {
    "demo": _demo,
    "camera": _camera,
    "device": _camera,
    "stream": _stream,
    "folder": _folder,
    "image": _image,
    "video": _video,
    "pipe": _video,
}
