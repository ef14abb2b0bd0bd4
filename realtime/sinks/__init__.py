"""The contract for where frames go. The kinds of sinks are in files beside this one."""

from typing import Protocol

from realtime.frames.frame import Frame, FrameFormat


class Sink(Protocol):
    """Its own thread calls `open`, then `write` repeatedly, then `close`.

    `name` is what the user called it ("window", "file:out.mp4"). A `live` sink shows the
    newest frame and may miss some; one that is not live gets every frame. A sink with
    `main_thread` is run by the main thread, as windows must be on macOS. Optional attributes:
    `has_viewers` says whether anybody watches (any thread may read it), `close_timeout` how many
    seconds `close` may take, and `pump()` is called when no frame comes.
    """

    name: str
    live: bool
    main_thread: bool

    def open(self, frames: FrameFormat) -> None:
        """Start. Raises UsageError or SinkFault with the reason and the remedy."""
        ...

    def write(self, frame: Frame) -> None:
        """Take one frame (RGB). Raises SinkFault; the pipeline then closes this sink only."""
        ...

    def close(self) -> None:
        """Finish what was written. May be called twice, and after a failed open."""
        ...
