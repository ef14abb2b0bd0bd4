"""When each picture of a container is shown, and when all that is in it ends."""

from fractions import Fraction
from typing import NamedTuple

import av

DEFAULT_FPS = 25.0
FASTEST = 120.0
"""Frames/s: what FFmpeg guesses above this is the step of the time stamps, not a rate."""


class Span(NamedTuple):
    """When a picture begins, and how long it is shown, in seconds."""

    begin: float
    duration: float


class TimeLine:
    """Seconds from the container's own beginning: its pictures may begin later than its sound.

    `end` is where the last of the packets that `note` saw ends; `zero` is that beginning, in the
    container's seconds (None: not known yet). A container without time stamps
    (raw H.264) has its pictures counted, at the rate that the pictures themselves state.
    """

    def __init__(self, container: av.container.InputContainer, stream: av.VideoStream) -> None:
        self.fps = frame_rate(stream)
        self.end = 0.0
        self.zero = container_start(container)
        self._step = stream.time_base or Fraction(1)
        self._count = 0
        self._next = 0.0

    def note(self, packet: av.Packet) -> None:
        if packet.pts is None or not packet.time_base:
            return
        if self.zero is None:
            self.zero = packet.pts * packet.time_base
        ends = (packet.pts + (packet.duration or 0)) * packet.time_base - self.zero
        self.end = max(self.end, float(ends))

    def extend(self, end: float) -> None:
        """Let the pictures last at least until `end`."""
        self.end = max(self.end, end)

    def begin(self, pts: int) -> float:
        """The seconds at which a picture with this time stamp begins."""
        return float(pts * self._step - (self.zero or 0))

    def span(self, frame: av.VideoFrame) -> Span:
        """When `frame` is shown; frames have to come in order."""
        duration = float(frame.duration * self._step) if frame.pts is not None else 0.0
        begin = self._next if frame.pts is None else self.begin(frame.pts)
        span = Span(begin, duration or 1 / self.fps)
        self._next = span.begin + span.duration
        return span


def container_start(container: av.container.InputContainer) -> Fraction | None:
    """Where the container's time stamps begin, in seconds; None if it does not say."""
    start = container.start_time
    return None if start is None else Fraction(start, av.time_base)


def frame_rate(stream: av.VideoStream) -> float:
    """Frames/s. Where frames are left out or repeated, the rate without that."""
    guessed = float(stream.guessed_rate or 0)
    if 0 < guessed <= FASTEST:
        return guessed
    return float(stream.average_rate or 0) or DEFAULT_FPS
