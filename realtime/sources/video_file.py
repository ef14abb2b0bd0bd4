"""A video file: every frame in order, at the file's own times."""

import logging
from pathlib import Path

from models.errors import SourceFault, UsageError
from models.pictures import RGB
from realtime.frames.files import file_address
from realtime.frames.frame import Frame, FrameFormat
from realtime.sources import EndOfSource, Source
from realtime.sources.decoding.animation import Animation
from realtime.sources.decoding.decoder import Decoder
from realtime.sources.decoding.file_kind import file_kind
from realtime.sources.decoding.pipe import KeptVideo, Pipe, index_comes_last, open_pipe
from realtime.sources.decoding.time_line import Span
from realtime.sources.playback_clock import PlaybackClock

log = logging.getLogger(__name__)

STDIN = Path("-")


class VideoFile(Source):
    """The video or animated picture at `path`, upright; time 0 is the beginning of the file.

    `path` may be a named pipe, or "-" for standard input, which can be read only once.
    If `paced`, each frame is given when its time has come, and the source counts as live;
    otherwise frames come as fast as they are decoded. `loop` begins again at the end; index and
    timestamps go on. Only the part from `start` to `end` (in seconds) is read, and its pictures
    keep their times; None is the end of the file. `close` may come from another thread and wakes a
    waiting reader.
    """

    def __init__(
        self,
        path: Path,
        *,
        paced: bool,
        loop: bool = False,
        start: float = 0.0,
        end: float | None = None,
    ) -> None:
        self._path = path
        self._paced = paced
        self._loop = loop
        self._start, self._end = start, end
        self._clock = PlaybackClock(paced=paced)
        self._decoder: Decoder | Animation | None = None
        self._kept: KeptVideo | None = None
        self._index = 0
        self._offset = 0.0
        self._given = 0
        self._next_time = 0.0

    def open(self) -> FrameFormat:
        self.close()
        self._clock.start()
        decoder = self._begin()
        return FrameFormat(
            width=decoder.width,
            height=decoder.height,
            fps=decoder.fps,
            live=self._paced,
            frame_count=None if self._loop else self._count(decoder),
            begin=self._offset + self._start,
            end=None if self._loop else self._end,
        )

    def _count(self, decoder: Decoder | Animation) -> int | None:
        """About how many pictures the part holds that is read."""
        if decoder.frame_count is None or (self._start == 0 and self._end is None):
            return decoder.frame_count
        end = decoder.frame_count / decoder.fps
        if self._end is not None:
            end = min(end, self._end)
        return max(1, round((end - self._start) * decoder.fps))

    def _begin(self) -> Decoder | Animation:
        if self._path == STDIN:
            self._decoder = self._piped(open_pipe(None), "standard input")
        elif self._path.is_fifo():
            self._decoder = self._piped(open_pipe(self._path), str(self._path))
        elif not self._path.is_file():
            raise UsageError(f"{self._path}: no such file")
        elif file_kind(self._path) == "animation":
            self._decoder = Animation(self._path)
        else:
            self._decoder = Decoder(file_address(self._path), name=str(self._path))
        if self._start > 0 and isinstance(self._decoder, Decoder):
            self._decoder.seek(self._start)
        self._offset = self._next_time - self._start if self._index else 0.0
        self._given = 0
        return self._decoder

    def _piped(self, pipe: Pipe, name: str) -> Decoder:
        if index_comes_last(pipe):
            log.warning("%s: its index comes last; it is read to the end first", name)
            self._kept = KeptVideo(pipe, name=name)
            decoder = Decoder(self._kept, name=name)
        else:
            decoder = Decoder(pipe, name=name)
        if decoder.has_sound:
            log.warning("%s: a pipe is read only once: its sound is left out of recordings", name)
        return decoder

    def read(self) -> Frame:
        if self._decoder is None:
            raise EndOfSource
        try:
            rgb, (seconds, duration) = self._next(self._decoder)
        except EndOfSource:
            if not self._loop or self._clock.stopped:
                self._clock.wait(self._next_time)
                raise
            self._decoder.close()
            rgb, (seconds, duration) = self._next(self._begin())
        timestamp = self._offset + seconds
        captured = self._clock.wait(timestamp)
        self._next_time = timestamp + duration
        self._index += 1
        return Frame(rgb, self._index - 1, captured, timestamp, duration)

    def _next(self, decoder: Decoder | Animation) -> tuple[RGB, Span]:
        """The next picture of the part to read, and when it is shown within that part."""
        while True:
            try:
                rgb, span = decoder.read()
                if self._end is not None and span.begin >= self._end:
                    raise EndOfSource
            except EndOfSource:
                if self._start > 0 and not self._given and not self._clock.stopped:
                    raise SourceFault(
                        f"{self._path}: has no picture after {self._start:g} s"
                    ) from None
                raise
            begin, end = max(span.begin, self._start), span.begin + span.duration
            if self._end is not None:
                end = min(end, self._end)
            if end > begin:
                self._given += 1
                return rgb, Span(begin, end - begin)

    def close(self) -> None:
        self._clock.stop()
        if self._decoder is not None:
            self._decoder.close()
        if self._kept is not None:
            self._kept.close()
            self._kept = None
