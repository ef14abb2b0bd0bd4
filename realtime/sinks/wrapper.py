"""A base for sinks that add something to another sink."""

from realtime.frames.frame import Frame, FrameFormat
from realtime.frames.size import Size
from realtime.sinks import Sink


class SinkWrapper:
    """A `Sink` that passes everything on to `wrapped`. Subclasses override what they change.

    It does not inherit from Sink, so that the type checker demands every member here: inherited
    defaults would silently replace what the wrapped sink says.
    """

    def __init__(self, wrapped: Sink) -> None:
        self.wrapped = wrapped
        self.name, self.live = wrapped.name, wrapped.live
        self.main_thread, self.pump_interval = wrapped.main_thread, wrapped.pump_interval

    @property
    def url(self) -> str | None:
        return self.wrapped.url

    @property
    def has_viewers(self) -> bool:
        return self.wrapped.has_viewers

    @property
    def close_timeout(self) -> float:
        return self.wrapped.close_timeout

    def accepted_size(self, offered: Size) -> Size:
        return self.wrapped.accepted_size(offered)

    def open(self, frames: FrameFormat) -> None:
        self.wrapped.open(frames)

    def write(self, frame: Frame) -> None:
        self.wrapped.write(frame)

    def pump(self) -> None:
        self.wrapped.pump()

    def close(self) -> None:
        self.wrapped.close()
