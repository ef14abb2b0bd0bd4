"""The contract for where frames go. The kinds of sinks are in files beside this one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:  # the process of a virtual camera is in this package, and must be light
    from realtime.frames.frame import Frame, FrameFormat
    from realtime.frames.size import Size


class Sink(Protocol):
    """Its own thread calls `open`, then `write` repeatedly, then `close`.

    `name` is what the user called it ("window", "file:out.mp4"). A `live` sink shows the
    newest frame and may miss some; one that is not live gets every frame. A sink with
    `main_thread` is run by the main thread, as windows must be on macOS.

    A sink inherits from this class and so gets the defaults of what it does not need. A wrapper
    of other sinks inherits from wrapper.SinkWrapper, which passes everything on.
    """

    name: str
    live: bool
    main_thread: bool = False
    pump_interval: float | None = None
    """Seconds between two calls of `pump` while no frame comes; None: it need not be called.
    Sinks of the main thread are pumped in any case."""

    @property
    def url(self) -> str | None:
        """What to open in a browser to see the picture; None if there is nothing."""
        return None

    @property
    def has_viewers(self) -> bool:
        """Whether anybody may be watching. Any thread may ask."""
        return True

    @property
    def close_timeout(self) -> float:
        """Seconds that `close` may take, beyond what every sink may."""
        return 0.0

    def accepted_size(self, offered: Size) -> Size:
        """The size of pictures that this sink wants where others get `offered`."""
        return offered

    def open(self, frames: FrameFormat) -> None:
        """Start. Raises UsageError or SinkFault with the reason and the remedy.

        `frames` has the accepted size, and so has every frame that is written.
        """
        ...

    def write(self, frame: Frame) -> None:
        """Take one frame (RGB). Raises SinkFault; the pipeline then closes this sink only."""
        ...

    def pump(self) -> None:
        """Do what must be done while no frame comes, such as handling a window's events."""
        return  # without this, mypy takes the default for an abstract method

    def close(self) -> None:
        """Finish what was written. May be called twice, and after a failed open."""
        ...
