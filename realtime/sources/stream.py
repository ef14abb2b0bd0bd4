"""A stream or a file over the network: rtsp:// and http(s)://, through PyAV."""

import copy
import logging
import re
import time

from realtime.frames.frame import Frame, FrameFormat
from realtime.sources import EndOfSource, Source
from realtime.sources.decoding.decoder import Decoder, stopped
from realtime.sources.playback_clock import PlaybackClock

log = logging.getLogger(__name__)

TIMEOUT = 5.0
"""Seconds, for connecting and for each read."""

STILL_SECONDS = 1.0
"""How often a still picture is fetched again."""

RTSP_OPTIONS = {"fflags": "nobuffer", "rtsp_transport": "tcp"}
"""FFmpeg options: keep no pictures from the probing phase; use TCP, as UDP loses some."""


class Stream(Source):
    """The frames at `url`: a live stream, or a file on a web server.

    A live stream gives its frames as they come, with the time of their arrival as timestamp. Its
    end is a SourceFault, because connecting again may help. A file (it knows its own length)
    behaves like a local one: its own timestamps, paced if `paced`, EndOfSource at the end. A
    still picture (a camera's snapshot) is given once or, if `paced`, fetched again and again. After
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
        live = not self._decoder.finite and not self._decoder.still
        self._clock = PlaybackClock(paced=self._paced and not live)
        self._clock.start()
        if self._decoder.still:
            return self._open_still(self._decoder)
        return FrameFormat(
            width=self._decoder.width,
            height=self._decoder.height,
            fps=self._decoder.fps,
            live=live or self._paced,
            frame_count=None if live else self._decoder.frame_count,
            begin=None if live else self._offset,
        )

    def _open_still(self, decoder: Decoder) -> FrameFormat:
        if self._paced and not self._index:
            log.warning("%s: a picture; fetched again every %g s", self._name, STILL_SECONDS)
        fps, count = 1 / STILL_SECONDS, None if self._paced else 1
        return FrameFormat(decoder.width, decoder.height, fps, self._paced, frame_count=count)

    def _read_still(self, decoder: Decoder) -> Frame:
        if self._index and not self._paced:
            raise EndOfSource
        timestamp = self._index * STILL_SECONDS
        captured = self._clock.wait(timestamp)
        if self._index:
            decoder.close()
            decoder = self._decoder = Decoder(self._url, name=self._name, timeout=TIMEOUT)
        rgb, _ = decoder.read()
        self._index += 1
        return Frame(rgb, self._index - 1, captured, timestamp)

    def read(self) -> Frame:
        if self._decoder is None:
            raise EndOfSource
        if self._decoder.still:
            return self._read_still(self._decoder)
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

    def renewed(self) -> "Stream":
        """See `Source.renewed`; index and time line go on."""
        fresh = copy.copy(self)
        fresh._decoder, fresh._clock = None, PlaybackClock(paced=False)
        return fresh

    def close(self) -> None:
        self._clock.stop()
        if self._decoder is not None:
            self._decoder.close()


def without_password(url: str) -> str:
    """The address as it may be shown: user and password left out."""
    return re.sub(r"(?<=://)[^/]*@", "", url)
