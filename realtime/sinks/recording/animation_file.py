"""Writes animated pictures, GIF and WebP: every frame, at its own time. Uses PyAV."""

import struct
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av

from models.errors import SinkFault, UsageError
from models.pictures import QUALITY, RGB
from models.system.atomic_file import replacing
from models.system.output_path import check_writable
from realtime.frames.files import file_address
from realtime.frames.frame import Frame, FrameFormat
from realtime.sinks import Sink
from realtime.sinks.recording.held_packet import HeldPacket


@dataclass(frozen=True, slots=True)
class Animated:
    """How files with one suffix are written. Times are in seconds, `largest` is a side."""

    encoder: str
    pixels: str
    step: Fraction
    shortest: Fraction
    largest: int


FORMATS: Mapping[str, Animated] = {
    # Browsers show for 100 ms what lasts 10 ms.
    ".gif": Animated("gif", "pal8", Fraction(1, 100), Fraction(1, 50), 65535),
    ".webp": Animated("libwebp_anim", "bgra", Fraction(1, 1000), Fraction(1, 1000), 16383),
}


class AnimationFile(Sink):
    """Writes every frame to `path`, a .gif or .webp that repeats without end.

    Frames that follow sooner than the format can tell are left out. Each picture stays for its own
    duration, the last one, too. `quality` (1..100) applies to WebP; each frame of a GIF gets its
    own 256 colours. The file appears whole, on `close`, or not at all.
    """

    live = False

    def __init__(self, path: Path, *, name: str | None = None, quality: int = QUALITY) -> None:
        self.name = name or f"file:{path}"
        self._path, self._quality = path, quality
        self._kind = FORMATS[path.suffix.lower()]
        self._open = ExitStack()
        self._output: av.container.OutputContainer | None = None

    def open(self, frames: FrameFormat) -> None:
        if self._kind.encoder not in av.codecs_available:
            raise UsageError(f"{self._path}: this FFmpeg has no {self._kind.encoder}; take .mp4")
        if max(frames.width, frames.height) > self._kind.largest:
            raise UsageError(
                f"{self._path}: {frames.width}x{frames.height} is too large for "
                f"{self._path.suffix} (at most {self._kind.largest} a side); take .mp4"
            )
        check_writable(self._path)
        self._frames = frames

    def write(self, frame: Frame) -> None:
        try:
            if self._output is None:
                self._start(frame)
            self._encode(frame)
        except (av.FFmpegError, OSError) as error:
            self._discard()
            raise SinkFault(f"{self._path}: cannot be written ({error.strerror})") from None

    def _start(self, first: Frame) -> None:
        self._partial = self._open.enter_context(replacing(self._path.resolve()))
        self._output = av.open(
            file_address(self._partial),
            "w",
            format=self._path.suffix.lower().removeprefix("."),
            options={"loop": "0"},
        )
        options = {"quality": str(self._quality)} if self._kind.pixels == "bgra" else {}
        stream = self._output.add_stream(
            self._kind.encoder, rate=1 / self._kind.step, options=options
        )
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height = self._frames.width, self._frames.height
        stream.pix_fmt = self._kind.pixels
        stream.codec_context.time_base = self._kind.step
        self._stream, self._filter = stream, _filter(self._frames, self._kind)
        self._begin = first.timestamp if self._frames.begin is None else self._frames.begin
        self._pts: int | None = None
        self._packets = HeldPacket(self._output)
        self._least = round(self._kind.shortest / self._kind.step)

    def _encode(self, frame: Frame) -> None:
        since = frame.timestamp - self._begin
        self._end = round((since + (frame.duration or 1 / self._frames.fps)) / self._kind.step)
        # The first picture is shown from the beginning, even if the source's begins later.
        pts = 0 if self._pts is None else round(since / self._kind.step)
        if self._pts is not None and pts < self._pts + self._least:
            return
        self._pts = pts
        self._filter.push(_timed(frame.rgb, pts, self._kind.step))
        ready = self._filter.pull()
        assert isinstance(ready, av.VideoFrame)
        ready.pts, ready.time_base = pts, self._kind.step
        self._packets.mux(self._stream.encode(ready))

    def close(self) -> None:
        """Finish the file. Raises SinkFault with the reason if that fails."""
        if self._output is None:
            return
        assert self._pts is not None
        last = max(self._least, self._end - self._pts)
        try:
            self._packets.mux(self._stream.encode(None))
            self._packets.finish(last)
            self._output.close()
            if self._kind.encoder == "libwebp_anim":
                _set_last_duration(self._partial, last)
            self._output = None
            self._open.close()
        except (av.FFmpegError, OSError) as error:
            self._discard()
            reason = f"could not be finished ({error.strerror})"
            raise SinkFault(f"{self._path}: {reason}") from None

    def _discard(self) -> None:
        """Leave `path` as it was."""
        output, self._output = self._output, None
        if output is not None:
            output.close()
        self._open.pop_all().__exit__(SinkFault, SinkFault(""), None)


def _timed(rgb: RGB, pts: int, step: Fraction) -> av.VideoFrame:
    picture = av.VideoFrame.from_ndarray(rgb, format="rgb24")
    picture.pts, picture.time_base = pts, step
    return picture


def _filter(frames: FrameFormat, kind: Animated) -> av.filter.Graph:
    """From RGB to the encoder's pixels; for a GIF with the best 256 colours of each frame."""
    graph = av.filter.Graph()
    first = graph.add_buffer(
        width=frames.width,
        height=frames.height,
        format=av.VideoFormat("rgb24"),
        time_base=kind.step,
    )
    last = graph.add("buffersink")
    if kind.pixels != "pal8":
        graph.link_nodes(first, graph.add("format", kind.pixels), last)
    else:
        split, find = graph.add("split"), graph.add("palettegen", "stats_mode=single")
        draw = graph.add("paletteuse", "new=1:dither=sierra2_4a")
        graph.link_nodes(first, split)
        split.link_to(find, 0, 0)
        split.link_to(draw, 1, 0)
        find.link_to(draw, 0, 1)
        graph.link_nodes(draw, last)
    graph.configure()
    return graph


def _set_last_duration(path: Path, milliseconds: int) -> None:
    """Set how long the last picture of an animated WebP stays: its encoder takes the mean.

    A file is a list of chunks: a name, the length of what follows, and that, at even places.
    """
    with path.open("r+b") as file:
        end = path.stat().st_size
        at, last = 12, None
        while at + 8 <= end:
            file.seek(at)
            name, length = struct.unpack("<4sI", file.read(8))
            if name == b"ANMF":
                last = at + 8
            at += 8 + length + length % 2
        if last is not None:
            file.seek(last + 12)  # after its place and size, three bytes each
            file.write(min(milliseconds, 0xFFFFFF).to_bytes(3, "little"))
