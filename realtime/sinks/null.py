"""A sink that only counts: for measuring, and for tests."""

from realtime.frames.frame import Frame, FrameFormat
from realtime.sinks import Sink


class Null(Sink):
    """`frames` counts the frames that it was given. It is not live, so it is given every frame."""

    live = False

    def __init__(self, *, name: str = "null") -> None:
        self.name = name
        self.frames = 0

    def open(self, frames: FrameFormat) -> None:
        self.frames = 0

    def write(self, frame: Frame) -> None:
        self.frames += 1

    def close(self) -> None:
        """Nothing to finish."""
