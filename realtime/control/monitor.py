"""What can be seen of a run from outside: figures, the newest picture, whether the source is lost.

The pipeline provides it; status line, control servers and metrics read it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from realtime.control.notices import Notice
from realtime.frames.frame import Frame


@dataclass(frozen=True, slots=True)
class Figures:
    """Frame counts since the start, painted frames/s since then, and times by stage.

    `milliseconds` has the median and the 95th percentile of each stage ("stylize"), and of the age
    of frames at the sinks ("latency"); stages without a measurement are left out.
    """

    frames_in: int
    frames_out: int
    unchanged: int
    dropped: int
    fps: float
    milliseconds: Mapping[str, tuple[float, float]]


class Monitor(Protocol):
    """Any thread may ask; every answer comes at once."""

    @property
    def source(self) -> str:
        """What the user calls the source."""
        ...

    @property
    def lost_for(self) -> float | None:
        """Seconds since the last new frame, if that is so long that the source seems lost."""
        ...

    @property
    def notice(self) -> Notice | None:
        """What went wrong last, such as a recording that could not begin."""
        ...

    def figures(self) -> Figures:
        """Counts, rate and times so far."""
        ...

    def picture(self) -> Frame | None:
        """The newest finished picture; None before the first. Shown again, it keeps its index."""
        ...
