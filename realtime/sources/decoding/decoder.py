"""One opened container (a file or a stream): its pictures, in order, as RGB. Uses PyAV.

It knows nothing of pacing, looping or reconnecting.
"""

import logging
import math
import threading
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

import av

from models.errors import SourceFault, UsageError
from models.pictures import RGB
from realtime.frames.files import FILE_SCHEME
from realtime.sources import EndOfSource
from realtime.sources.decoding.avi import is_whole
from realtime.sources.decoding.pipe import KeptVideo, Pipe
from realtime.sources.decoding.time_line import Span, TimeLine
from realtime.sources.decoding.upright import UprightRGB

log = logging.getLogger(__name__)

CLOSE_TIMEOUT = 0.2
RUN_UP = 10.0
"""Seconds before the wanted time at which decoding begins: some files can only be entered there."""
CUT_OFF = 1.0
"""A file that ends more than this many seconds too early counts as damaged."""
TEXT_ART = frozenset({"ansi", "bintext", "xbin", "idf"})
"""Codecs with which FFmpeg plays a plain text file as moving letters; nobody wants that."""


class Decoder:
    """Messages call the container `name`; `address` is what PyAV opens, or what a pipe gives.

    `width`, `height` (upright, in pixels), `fps`, `frame_count` (None if the container does not
    say), `finite` (a file, not a live stream), `still` (a single picture) and `has_sound` are known
    after construction.

    `timeout`, only for network addresses, is in seconds, for opening and for each read. A broken
    connection raises; a damaged local file gives what can be decoded, with one warning. `close`
    may come from another thread; it waits only CLOSE_TIMEOUT seconds for a blocked read.

    Raises SourceFault if there is no video in it, or if it cannot be opened.
    """

    def __init__(
        self,
        address: str | Pipe | KeptVideo,
        *,
        name: str,
        options: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> None:
        self._name = name
        self._lock = threading.Lock()
        self._closing = False
        self._warned = False
        self._remote = timeout is not None
        self._count = 0
        local = isinstance(address, str) and address.startswith(FILE_SCHEME)
        self._path = Path(str(address).removeprefix(FILE_SCHEME)) if local else None
        self._container = self._open(address, options, timeout)
        self.finite = self._container.duration is not None
        self.still = self._container.format.name.endswith(("_pipe", "image2"))
        try:
            self._stream = self._pick_stream()
            self._time_line = TimeLine(self._container, self._stream)
            self._frames = self._iterate()
            self._ahead = next(self._frames, None)
            if self._ahead is None:
                raise SourceFault(f"{name}: not one picture of it could be decoded; is it damaged?")
            self._upright = UprightRGB(self._ahead, self._stream, name=name)
        except av.FFmpegError as error:
            self._container.close()
            raise stopped(name, reason(error)) from None
        except BaseException:
            self._container.close()
            raise
        self.width, self.height = self._upright.size
        self.fps = self._time_line.fps
        self.frame_count: int | None = self._stream.frames or None
        self.has_sound = bool(self._container.streams.audio)

    def seek(self, seconds: float) -> None:
        """Go on at a key frame some seconds before `seconds`, where the container allows it.

        The caller skips the pictures until then. Only for files; elsewhere nothing happens.
        """
        zero = self._time_line.zero
        if self._path is None or zero is None or seconds <= RUN_UP:
            return
        target = int((seconds - RUN_UP + float(zero)) * av.time_base)
        before = self._ahead
        try:
            self._container.seek(target)
            self._frames = self._iterate()
            self._ahead = next(self._frames, None)
            if self._ahead is not None and self._begin(self._ahead) <= seconds:
                return
            self._container.seek(int(zero * av.time_base))
        except av.FFmpegError:
            self._ahead = before
            return
        self._frames = self._iterate()
        self._ahead = next(self._frames, None)

    def _begin(self, frame: av.VideoFrame) -> float:
        """When it is shown; infinity if it does not say."""
        return math.inf if frame.pts is None else self._time_line.begin(frame.pts)

    def _open(
        self,
        address: str | Pipe | KeptVideo,
        options: Mapping[str, str] | None,
        timeout: float | None,
    ) -> av.container.InputContainer:
        try:
            return av.open(address, "r", options=dict(options or {}), timeout=timeout)
        except av.ProtocolNotFoundError:
            scheme = str(address).partition(":")[0]
            raise UsageError(f"{self._name}: FFmpeg here has no support for {scheme}://") from None
        except (av.FFmpegError, ValueError) as error:
            what = "cannot be opened" if self._remote else "neither a picture nor a video"
            raise SourceFault(f"{self._name}: {what} (FFmpeg: {reason(error)})") from None

    def _pick_stream(self) -> av.VideoStream:
        """The stream that FFmpeg would pick: the default one, else the largest."""
        # The cover picture of a song is stored as a video stream too.
        streams = [
            stream
            for stream in self._container.streams.video
            if not stream.disposition & av.stream.Disposition.attached_pic
        ]
        known = [stream for stream in streams if stream.codec_context is not None]
        if streams and not known:
            raise SourceFault(
                f"{self._name}: FFmpeg has no decoder for its video "
                f"({_codec_tag(streams[0])}); convert it to H.264 first"
            )
        known = [stream for stream in known if stream.codec_context.name not in TEXT_ART]
        if not known:
            kinds = {stream.type for stream in self._container.streams} - {"video"}
            what = ", ".join(sorted(kinds)) or "text"
            raise SourceFault(f"{self._name}: there is no video in it, only {what}")
        stream = max(known, key=_importance)
        # Decoding several frames at once delays them: not for what comes over a network.
        stream.thread_type = "SLICE" if self._remote else "AUTO"
        return stream

    def _iterate(self) -> Iterator[av.VideoFrame]:
        """Every picture, including those that the decoder held back."""
        # Of a file all streams are read: they tell where it ends.
        packets = self._container.demux(*(() if self.finite else (self._stream,)))
        while True:
            try:
                packet = next(packets, None)
            except av.FFmpegError as error:
                if self._remote:
                    raise
                self._warn(reason(error))
                yield from self._decoded(partial(self._stream.decode, None))
                return
            if packet is None:
                self._check_end()
                return
            self._time_line.note(packet)
            if packet.stream.index == self._stream.index:  # an empty packet has no other index
                yield from self._decoded(partial(self._stream.decode, packet))

    def _check_end(self) -> None:
        """Warn if the container promised more than it held: it was cut off."""
        end, promised = self._time_line.end, (self._container.duration or 0) / av.time_base
        least = promised - CUT_OFF
        stream = self._stream
        if self._container.format.name == "avi" and stream.frames and stream.average_rate:
            # An AVI has a frame for each tick, and those at its end may be empty.
            promised = float(stream.frames / stream.average_rate)
            least = promised - 0.5 / self._time_line.fps
            if self._path is None or is_whole(self._path):
                self._time_line.extend(promised)
                return
        if end and end < least:
            self._warn(f"its length should be {promised:.1f} s")

    def _decoded(self, decode: Callable[[], list[av.VideoFrame]]) -> list[av.VideoFrame]:
        try:
            frames = decode()
        except av.InvalidDataError as error:
            self._warn(reason(error))
            return []
        self._count += len(frames)
        return frames

    def _warn(self, why: str) -> None:
        if not self._warned:
            self._warned = True
            text = "%s: damaged or cut off after frame %d (%s); what can be decoded is used"
            log.warning(text, self._name, self._count, why)

    def read(self) -> tuple[RGB, Span]:
        """The next picture (H, W, 3), and when it is shown, in seconds from the beginning.

        Of a file, the last picture is shown until the sound has ended too. Raises EndOfSource at
        the end or once closed, SourceFault when the connection fails.
        """
        with self._lock:
            if self._closing:
                raise EndOfSource
            try:
                frame, last = self._next_frame()
            except av.FFmpegError as error:
                raise stopped(self._name, reason(error)) from None
            finally:
                if self._closing:
                    self._container.close()
            if frame is None or self._closing:
                raise EndOfSource
            span = self._time_line.span(frame)
            if last and self._time_line.end > span.begin + span.duration:
                span = Span(span.begin, self._time_line.end - span.begin)
            return self._upright.convert(frame), span

    def _next_frame(self) -> tuple[av.VideoFrame | None, bool]:
        """The next frame, and whether it is known to be the last."""
        frame, self._ahead = self._ahead, None
        if frame is None:
            frame = next(self._frames, None)
        if not self.finite:  # looking ahead would delay a live picture
            return frame, False
        self._ahead = next(self._frames, None)
        return frame, self._ahead is None

    def close(self) -> None:
        self._closing = True
        # A reader blocked on the network keeps the lock, and closes the container when it returns.
        if self._lock.acquire(timeout=CLOSE_TIMEOUT):
            self._container.close()
            self._lock.release()


def _importance(stream: av.VideoStream) -> tuple[bool, int]:
    default = bool(stream.disposition & av.stream.Disposition.default)
    return default, stream.codec_context.width * stream.codec_context.height


def _codec_tag(stream: av.VideoStream) -> str:
    try:
        return repr(stream.codec_tag.strip("\0 "))
    except (AttributeError, UnicodeDecodeError):
        return "an unknown codec"


def stopped(name: str, why: str) -> SourceFault:
    """The fault for a connection that ended; opening it again may help."""
    return SourceFault(f"{name}: stopped ({why}); is its sender still on?")


def reason(error: Exception) -> str:
    """What FFmpeg said, without the address (which may hold a password)."""
    return getattr(error, "strerror", None) or str(error).splitlines()[0]
