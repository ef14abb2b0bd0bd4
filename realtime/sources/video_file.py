"""A video file: every frame in order, at the file's own times."""

import logging
from pathlib import Path

from models.errors import UsageError
from realtime.frames.files import file_address
from realtime.frames.frame import Frame, FrameFormat
from realtime.sources import EndOfSource, Source
from realtime.sources.decoding.animation import Animation
from realtime.sources.decoding.decoder import Decoder
from realtime.sources.decoding.file_kind import file_kind
from realtime.sources.decoding.pipe import KeptVideo, Pipe, index_comes_last, open_pipe
from realtime.sources.playback_clock import PlaybackClock

log = logging.getLogger(__name__)

STDIN = Path("-")


class VideoFile(Source):
    """The video or animated picture at `path`, upright; time 0 is the beginning of the file.

    `path` may be a named pipe, or "-" for standard input, which can be read only once.
    If `paced`, each frame is given when its time has come, and the source counts as live;
    otherwise frames come as fast as they are decoded. `loop` begins again at the end; index and
    timestamps go on. `close` may come from another thread and wakes a waiting reader.
    """

    def __init__(self, path: Path, *, paced: bool, loop: bool = False) -> None:
        self._path = path
        self._paced = paced
        self._loop = loop
        self._clock = PlaybackClock(paced=paced)
        self._decoder: Decoder | Animation | None = None
        self._kept: KeptVideo | None = None
        self._index = 0
        self._offset = 0.0
        self._next_time = 0.0

    def open(self) -> FrameFormat:
        self.close()
        self._clock.start()
        decoder = self._start()
        return FrameFormat(
            width=decoder.width,
            height=decoder.height,
            fps=decoder.fps,
            live=self._paced,
            frame_count=None if self._loop else decoder.frame_count,
            begin=self._offset,
        )

    def _start(self) -> Decoder | Animation:
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
        self._offset = self._next_time
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
            rgb, (seconds, duration) = self._decoder.read()
        except EndOfSource:
            if not self._loop or self._clock.stopped:
                self._clock.wait(self._next_time)
                raise
            self._decoder.close()
            rgb, (seconds, duration) = self._start().read()
        timestamp = self._offset + seconds
        captured = self._clock.wait(timestamp)
        self._next_time = timestamp + duration
        self._index += 1
        return Frame(rgb, self._index - 1, captured, timestamp, duration)

    def close(self) -> None:
        self._clock.stop()
        if self._decoder is not None:
            self._decoder.close()
        if self._kept is not None:
            self._kept.close()
            self._kept = None
