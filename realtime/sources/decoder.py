"""One opened container (a file or a stream): its pictures, in order, as RGB. Uses PyAV.

It knows nothing of pacing, looping or reconnecting.
"""

import logging
import threading
from collections.abc import Callable, Iterator, Mapping

import av
import numpy as np

from models.errors import SourceFault
from models.pictures import RGB
from realtime.sources import EndOfSource

log = logging.getLogger(__name__)

DEFAULT_FPS = 25.0
CLOSE_TIMEOUT = 0.2
CUT_OFF = 1.0
"""A file whose pictures end more than this many seconds too early counts as damaged."""

TEXT_ART = frozenset({"ansi", "bintext", "xbin", "idf"})
"""Codecs with which FFmpeg plays a plain text file as moving letters; nobody wants that."""


class Decoder:
    """Messages call the container `name`; `address` is what PyAV opens.

    `width`, `height` (upright, in pixels), `fps`, `frame_count` (None if the container does not
    say) and `finite` (a file, not a live stream) are known after construction.

    `timeout`, only for network addresses, is in seconds, for opening and for each read. A broken
    connection raises; a damaged local file gives what can be decoded, with one warning. `close`
    may come from another thread; it waits only CLOSE_TIMEOUT seconds for a blocked read.

    Raises SourceFault if there is no video in it, or if it cannot be opened.
    """

    def __init__(
        self,
        address: str,
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
        self._last_time = 0.0
        try:
            self._container = av.open(address, options=dict(options or {}), timeout=timeout)
        except (av.FFmpegError, ValueError) as error:
            what = "cannot be opened" if self._remote else "neither a picture nor a video"
            raise SourceFault(f"{name}: {what} (FFmpeg: {reason(error)})") from None
        self.finite = self._container.duration is not None
        self._duration = (self._container.duration or 0) / av.time_base
        try:
            self._stream = self._pick_stream()
            self._frames = self._iterate()
            self._first: av.VideoFrame | None = next(self._frames, None)
            if self._first is None:
                raise SourceFault(f"{name}: not one picture of it could be decoded; is it damaged?")
            self._describe(self._first)
        except av.FFmpegError as error:
            self._container.close()
            raise stopped(name, reason(error)) from None
        except BaseException:
            self._container.close()
            raise

    def _pick_stream(self) -> av.VideoStream:
        for stream in self._container.streams.video:
            # The cover picture of a song is stored as a video stream too.
            cover = bool(stream.disposition & av.stream.Disposition.attached_pic)
            if not cover and stream.codec_context.name not in TEXT_ART:
                # Decoding several frames at once delays them: not for what comes over a network.
                stream.thread_type = "SLICE" if self._remote else "AUTO"
                return stream
        kinds = ", ".join(sorted({stream.type for stream in self._container.streams} - {"video"}))
        raise SourceFault(f"{self._name}: there is no video in it, only {kinds or 'text'}")

    def _describe(self, first: av.VideoFrame) -> None:
        # Some cameras and discs store pixels that are not square.
        aspect = self._stream.sample_aspect_ratio or 1
        self._size = (round(first.width * aspect), first.height)
        self._quarter_turns = round(first.rotation / 90) % 4
        upright = self._size if self._quarter_turns % 2 == 0 else self._size[::-1]
        self.width, self.height = upright
        rate = self._stream.average_rate or self._stream.guessed_rate
        self.fps = float(rate) if rate else DEFAULT_FPS
        self.frame_count: int | None = self._stream.frames or None
        self._origin = first.pts or 0

    def _iterate(self) -> Iterator[av.VideoFrame]:
        """Every picture, including those that the decoder held back."""
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets, None)
            except av.FFmpegError as error:
                if self._remote:
                    raise
                self._warn(reason(error))
                yield from self._decoded(lambda: self._stream.decode(None))
                return
            if packet is None:
                self._check_end()
                return
            yield from self._decoded(packet.decode)

    def _check_end(self) -> None:
        """Warn if the container promised more than it held: it was cut off."""
        promised = self._stream.frames
        if self._count < promised:
            self._warn(f"{promised} frames are promised")
        elif not promised and self.finite and self._last_time < self._duration - CUT_OFF:
            self._warn(f"its length should be {self._duration:.1f} s")

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

    def read(self) -> tuple[RGB, float | None]:
        """The next picture (H, W, 3) and its time in seconds from the first, None if unknown.

        Raises EndOfSource at the end or once closed, SourceFault when the connection fails.
        """
        with self._lock:
            if self._closing:
                raise EndOfSource
            try:
                frame, self._first = self._first or next(self._frames, None), None
            except av.FFmpegError as error:
                raise stopped(self._name, reason(error)) from None
            finally:
                if self._closing:
                    self._container.close()
            if frame is None or self._closing:
                raise EndOfSource
            return self._upright(frame), self._time(frame)

    def _upright(self, frame: av.VideoFrame) -> RGB:
        width, height = self._size
        rgb = frame.to_ndarray(format="rgb24", width=width, height=height)
        return np.ascontiguousarray(np.rot90(rgb, self._quarter_turns), dtype=np.uint8)

    def _time(self, frame: av.VideoFrame) -> float | None:
        if frame.pts is None or self._stream.time_base is None:
            return None
        self._last_time = float((frame.pts - self._origin) * self._stream.time_base)
        return self._last_time

    def close(self) -> None:
        self._closing = True
        # A reader blocked on the network keeps the lock, and closes the container when it returns.
        if self._lock.acquire(timeout=CLOSE_TIMEOUT):
            self._container.close()
            self._lock.release()


def stopped(name: str, why: str) -> SourceFault:
    """The fault for a connection that ended; opening it again may help."""
    return SourceFault(f"{name}: stopped ({why}); is its sender still on?")


def reason(error: Exception) -> str:
    """What FFmpeg said, without the address (which may hold a password)."""
    return getattr(error, "strerror", None) or str(error).splitlines()[0]
