"""A stream or a file over the network: rtsp:// and http(s)://, through PyAV."""

import re
import time

from realtime.frames.frame import Frame, FrameFormat
from realtime.sources import EndOfSource, Source
from realtime.sources.decoding.decoder import Decoder, stopped
from realtime.sources.playback_clock import PlaybackClock

TIMEOUT = 5.0
"""Seconds, for connecting and for each read."""

RTSP_OPTIONS = {"fflags": "nobuffer", "rtsp_transport": "tcp"}
"""FFmpeg options: keep no pictures from the probing phase; use TCP, as UDP loses some."""


class Stream(Source):
    """The frames at `url`: a live stream, or a file on a web server.

    A live stream gives its frames as they come, with the time of their arrival as timestamp. Its
    end is a SourceFault, because connecting again may help. A file (it knows its own length)
    behaves like a local one: its own timestamps, paced if `paced`, EndOfSource at the end. After
    a fault and a new `open`, index and time line go on.
    """

    def __init__(self, url: str, *, paced: bool) -> None:
        self._url = url
        self._name = without_password(url)
        self._paced = paced
        self._clock = PlaybackClock(paced=False)
        self._decoder: Decoder | None = None
        self._index = 0
        self._first_arrival: float | None = None
        self._offset = 0.0
        self._next_time = 0.0

    def open(self) -> FrameFormat:
        self.close()
        # Over HTTP, nobuffer would lose the beginning of a file.
        options = RTSP_OPTIONS if self._url.lower().startswith("rtsp") else {}
        self._decoder = Decoder(self._url, name=self._name, options=options, timeout=TIMEOUT)
        self._offset = self._next_time
        live = not self._decoder.finite
        self._clock = PlaybackClock(paced=self._paced and not live)
        self._clock.start()
        return FrameFormat(
            width=self._decoder.width,
            height=self._decoder.height,
            fps=self._decoder.fps,
            live=live or self._paced,
            frame_count=None if live else self._decoder.frame_count,
            begin=None if live else self._offset,
        )

    def read(self) -> Frame:
        if self._decoder is None:
            raise EndOfSource
        try:
            rgb, (seconds, duration) = self._decoder.read()
        except EndOfSource:
            if self._decoder.finite or self._clock.stopped:
                raise
            raise stopped(self._name, "end of the stream") from None
        if self._decoder.finite:
            timestamp = self._offset + seconds
        else:
            # Many cameras send no times, or times that jump when they restart.
            now = time.monotonic()
            self._first_arrival = self._first_arrival or now
            timestamp = now - self._first_arrival
        captured = self._clock.wait(timestamp)
        self._next_time = timestamp + duration
        self._index += 1
        known = duration if self._decoder.finite else None
        return Frame(rgb, self._index - 1, captured, timestamp, known)

    def close(self) -> None:
        self._clock.stop()
        if self._decoder is not None:
            self._decoder.close()


def without_password(url: str) -> str:
    """The address as it may be shown: user and password left out."""
    return re.sub(r"(?<=://)[^/]*@", "", url)
