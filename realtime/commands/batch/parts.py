"""The parts of a video whose painting was interrupted, and how they become one file. Uses PyAV."""

import contextlib
import hashlib
import logging
from fractions import Fraction
from itertools import count
from pathlib import Path

import av

from models.catalogue import find_style
from models.errors import SinkFault
from models.system.atomic_file import replacing
from realtime.config.schema import Config
from realtime.frames.files import file_address
from realtime.sinks.recording.source_tracks import SourceTracks
from realtime.sinks.recording.video.containers import CONTAINERS

log = logging.getLogger(__name__)

RESUMABLE = (".mp4", ".mov", ".mkv", ".webm")
"""The endings of the containers that can be put together from parts."""
WITHIN = 0.0005
"""Seconds: a recording's times are rounded, so that a picture may begin a little later there."""


class Parts:
    """The files in which `target` is painted, before it gets its name.

    `path` is where to paint now; what an interruption left there becomes a part with a number.
    The parts count only while `config`, the source and the style are the same.
    """

    def __init__(self, target: Path, config: Config) -> None:
        self._target = target
        self._source = Path(str(config.source.input))
        self._start, self._end = config.source.start, config.source.end
        self.path = target.with_name(f".unfinished-{target.name}")
        self._what = target.with_name(f".unfinished-{target.name}.json")
        self._wanted = _fingerprint(self._source, config)
        self.resumable = target.suffix.lower() in RESUMABLE and self._source.is_file()
        self._begins: list[tuple[Path, float]] = []
        self._begin = self._start

    def resume(self) -> float:
        """Where to go on, in seconds on the source's time line: at its start if nothing is left."""
        if not self.resumable or not self._same():
            self.discard()
            if self.resumable:
                with contextlib.suppress(OSError):
                    self._what.write_text(self._wanted)
            return self._start
        if self.path.is_file():
            self.path.replace(self._part(len(self._numbered()) + 1))
        for part in self._numbered():
            self._take(part)
        return self._begin

    def _same(self) -> bool:
        try:
            return self._what.read_text() == self._wanted
        except OSError:
            return False

    def _take(self, part: Path) -> None:
        """Use what is whole of a part; what comes next begins where that ends."""
        whole = whole_until(part)
        if whole <= 0:
            part.unlink()
            return
        self._begins.append((part, self._begin))
        self._begin += whole + WITHIN

    def _part(self, number: int) -> Path:
        return self._target.with_name(f".unfinished-{number}-{self._target.name}")

    def _numbered(self) -> list[Path]:
        found: list[Path] = []
        for number in count(1):
            if not self._part(number).is_file():
                return found
            found.append(self._part(number))
        raise AssertionError("the numbers have no end")

    def finish(self) -> bool:
        """Give the finished file its name; False if the parts do not fit together.

        Raises SinkFault if there is no room for it.
        """
        if not self.path.is_file():  # no picture came
            return True
        if not self._begins:
            self.path.replace(self._target)
            self.discard()
            return True
        parts = [*self._begins, (self.path, self._begin)]
        if len({_encoding(part) for part, _ in parts}) != 1:
            log.warning("%s: its earlier parts do not fit; it is painted anew", self._target)
            return False
        try:
            with replacing(self._target) as partial:
                self._join(parts, partial)
        except (av.FFmpegError, OSError) as error:
            raise SinkFault(f"{self._target}: cannot be written ({error.strerror})") from None
        self.discard()
        return True

    def _join(self, parts: list[tuple[Path, float]], target: Path) -> None:
        """Copy the pictures of all parts, and what else the source holds, into one file."""
        kind = CONTAINERS[self._target.suffix.lower()]
        options = {"movflags": "faststart"} if kind.fragmented else {}
        with av.open(file_address(target), "w", format=kind.format, options=options) as output:
            with av.open(file_address(parts[0][0])) as first:
                stream = output.add_stream_from_template(first.streams.video[0], opaque=True)
            tracks = SourceTracks(
                file_address(self._source),
                output,
                name=str(self._source),
                begin=self._start,
                end=self._end,
            )
            output.set_chapters(tracks.chapters)
            try:
                end = 0.0
                for (part, begin), following in zip(parts, [*parts[1:], None], strict=True):
                    until = None if following is None else following[1]
                    end = self._copy(part, begin, until, output, stream, tracks)
                tracks.finish(end)
            finally:
                tracks.close()

    def _copy(
        self,
        part: Path,
        begin: float,
        until: float | None,
        output: av.container.OutputContainer,
        stream: av.VideoStream,
        tracks: SourceTracks,
    ) -> float:
        """Copy the pictures before `until`; returns where they end, in seconds of the recording."""
        end = 0.0
        with av.open(file_address(part)) as source:
            video = source.streams.video[0]
            for packet in source.demux(video):
                if packet.pts is None or packet.dts is None:
                    continue
                step = packet.time_base
                seconds = float(packet.pts * step) + begin
                if until is not None and seconds >= until - 2 * WITHIN:
                    break
                shift = round(Fraction(begin - self._start) / step)
                packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
                packet.stream = stream
                end = float((packet.pts + (packet.duration or 0)) * step)
                tracks.advance(float(packet.pts * step))
                output.mux(packet)
        return end

    def discard(self) -> None:
        """Remove every part."""
        for path in [self.path, self._what, *self._numbered()]:
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)
        self._begins, self._begin = [], self._start


def whole_until(path: Path) -> float:
    """Where the last key frame of a recording is, in seconds: all before it is complete."""
    last = 0.0
    with (
        contextlib.suppress(av.FFmpegError, OSError, IndexError),
        av.open(file_address(path)) as container,
    ):
        for packet in container.demux(container.streams.video[0]):
            if packet.is_keyframe and packet.pts is not None:
                last = max(last, float(packet.pts * packet.time_base))
    return last


def _encoding(path: Path) -> tuple[str, int, int, bytes]:
    """What all parts of a video must have in common."""
    with av.open(file_address(path)) as container:
        context = container.streams.video[0].codec_context
        return context.name, context.width, context.height, bytes(context.extradata or b"")


def _fingerprint(source: Path, config: Config) -> str:
    """A text that is another if the painting would be another."""
    settings = config.model_copy(update={"sinks": [], "verbose": False})
    text = settings.model_dump_json(exclude={"recording": {"overwrite"}})
    for path in (source, find_style(config.style.name).path):
        with contextlib.suppress(OSError):
            facts = path.stat()
            text += f"\n{path.resolve()} {facts.st_size} {facts.st_mtime_ns}"
    return hashlib.sha256(text.encode()).hexdigest()
