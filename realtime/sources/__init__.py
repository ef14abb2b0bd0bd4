"""The contract for where frames come from. The kinds of sources are in files beside this one."""

from typing import Protocol

from realtime.frames.frame import Frame, FrameFormat


class EndOfSource(Exception):  # noqa: N818  an end is not an error
    """There are no more frames."""


class Source(Protocol):
    """One thread calls `open`, then `read` repeatedly, then `close`.

    After a SourceFault the same object may be opened again; the frame index goes on.

    A source inherits from this class and so gets the defaults. A wrapper of other sources does
    not: the type checker then demands that it passes everything on.
    """

    label: str = ""
    """What was opened, for people, if the user did not name it; valid once `open` has returned."""

    def open(self) -> FrameFormat:
        """Start. Raises UsageError if nothing of that name exists, SourceFault if it fails."""
        ...

    def read(self) -> Frame:
        """Block for the next frame.

        Raises EndOfSource at the end, SourceFault if reopening may help. Never blocks for more
        than a few seconds: a stalled device is a SourceFault.
        """
        ...

    def close(self) -> None:
        """Release everything. May be called twice, and after a failed open."""
        ...

    def renewed(self) -> "Source | None":
        """A source like this one that is not open, to go on with while a call into this one hangs.

        It is opened and read by another thread. None if there can be none. Any thread may ask.
        """
        return None
