"""The track of a recording that holds a microphone's sound, in step with pictures. Uses PyAV."""

import time
from fractions import Fraction

import av
import numpy as np

from realtime.sinks.recording.microphone.arrival_clock import RATE
from realtime.sinks.recording.microphone.microphone import CHANNELS, Chunk, Listener

LATE = 0.5
"""Seconds by which sound may come later than its picture; then silence stands for it."""
CLOSE_WAIT = 0.5
"""Seconds that the end of a recording waits for its last sound."""
TOLERANCE = 0.02
"""Seconds between two chunks that are made up by stretching; more is filled, or left out."""
JUMP = 0.1
"""Seconds by which the pictures' own times may stray from the clock before the sound follows."""
STRETCH = 1000
"""Samples per second that may be added or left out to follow the clock: 2 %."""
CODECS = {"webm": "libopus", "avi": "ac3"}
"""By FFmpeg's format; elsewhere AAC."""
SWIFT = {"aac_coder": "fast"}
"""A quarter of the work of FFmpeg's usual coder, and at 128 kbit/s nearer to the original: pictures
wait for the sound of their time, so on a busy machine a slow one is what a kill loses most by."""


class MicrophoneTrack:
    """Takes what `listener` hears, and adds it to `output` as sound: silence where there is none.

    Times are the recording's, in seconds, except `captured`: that is time.monotonic() at which a
    picture was taken. The listener is not closed here.
    """

    def __init__(self, output: av.container.OutputContainer, listener: Listener) -> None:
        self._output, self._listener = output, listener
        codec = CODECS.get(output.format.name, "aac")
        options = SWIFT if codec == "aac" else {}
        stream = output.add_stream(codec, rate=RATE, layout="stereo", options=options)
        assert isinstance(stream, av.AudioStream)
        self._stream, self._filter = stream, _filter(codec)
        self._origin: float | None = None
        self._until = 0.0

    def advance(self, seconds: float, captured: float) -> None:
        """Carry the sound before a picture's time, as far as it has come. Raises FFmpegError."""
        origin = captured - seconds
        if self._origin is None or abs(origin - self._origin) > JUMP:
            self._origin = origin
        self._take(seconds, self._origin)
        if self._until < seconds - LATE:
            self._add_silence(seconds - LATE)

    def finish(self, until: float) -> None:
        """Carry the sound before `until`, and what the encoder holds back. Raises FFmpegError."""
        if self._origin is not None:
            deadline = time.monotonic() + CLOSE_WAIT
            self._take(until, self._origin)
            while self._until < until - TOLERANCE and time.monotonic() < deadline:
                if not self._listener.hears:
                    break
                time.sleep(0.01)
                self._take(until, self._origin)
        self._add_silence(until)
        self._filter.push(None)
        self._encode()
        self._output.mux(self._stream.encode(None))

    def _take(self, until: float, origin: float) -> None:
        """Push what has been heard before `until`; a chunk that goes on stays for the next time."""
        heard = self._listener.chunks
        while heard and heard[0].begin - origin < until - 1 / RATE:
            chunk = heard.popleft()
            if chunk.end - origin > until:
                heard.appendleft(chunk.between(origin + until, chunk.end))
            begin = self._until if chunk.begin - origin < self._until - TOLERANCE else -np.inf
            self._push(chunk.between(origin + max(0.0, begin), origin + until), origin)

    def _push(self, chunk: Chunk, origin: float) -> None:
        if len(chunk.samples) == 0:
            return
        begin = chunk.begin - origin
        if begin > self._until + TOLERANCE:
            self._add_silence(begin)
        # The filter follows these times, by stretching as little as nobody hears.
        self._push_samples(begin, chunk.samples)
        self._until = chunk.end - origin

    def _add_silence(self, until: float) -> None:
        while self._until < until - 1 / RATE:
            length = min(1.0, until - self._until)
            silence = np.zeros((round(length * RATE), CHANNELS), np.int16)
            self._push_samples(self._until, silence)
            self._until += length

    def _push_samples(self, begin: float, samples: np.ndarray) -> None:
        frame = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(samples).reshape(1, -1), format="s16", layout="stereo"
        )
        frame.sample_rate, frame.time_base = RATE, Fraction(1, RATE)
        frame.pts = round(begin * RATE)
        self._filter.push(frame)
        self._encode()

    def _encode(self) -> None:
        while True:
            try:
                frame = self._filter.pull()
            except (av.BlockingIOError, av.EOFError):
                return
            assert isinstance(frame, av.AudioFrame)
            self._output.mux(self._stream.encode(frame))


def _filter(codec: str) -> av.filter.Graph:
    """From int16 to what the encoder takes, beginning at 0, at the times that are given."""
    wanted = (av.Codec(codec, "w").audio_formats or [av.AudioFormat("s16")])[0].name
    graph = av.filter.Graph()
    nodes = [
        graph.add_abuffer(
            sample_rate=RATE, format="s16", layout="stereo", time_base=Fraction(1, RATE)
        ),
        graph.add("aresample", f"{RATE}:async={STRETCH}:first_pts=0"),
        graph.add("aformat", f"sample_fmts={wanted}:channel_layouts=stereo"),
        graph.add("abuffersink"),
    ]
    graph.link_nodes(*nodes).configure()
    return graph
