"""What can be seen of a run from outside: figures, the newest picture, whether the source is lost.

The pipeline provides it; status line, control servers and metrics read it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from realtime.control.notices import Notice
from realtime.frames.frame import Frame


@dataclass(frozen=True, slots=True)
class Effort:
    """With how much work a run paints, to keep to its limits; by default with all of it.

    `scale` in (0, 1] is of both sides of the painted picture; `lighter` says whether the style's
    lighter generator paints, `threads` with how many threads (None: as many as it began with),
    `most_fps` above which rate frames are skipped (None: none are). `target_fps` and `cpu_budget`
    are the limits, None where there is none; `cpu` is the share of all cores that was used last.
    """

    scale: float = 1.0
    lighter: bool = False
    threads: int | None = None
    most_fps: float | None = None
    target_fps: float | None = None
    cpu: float | None = None
    cpu_budget: float | None = None

    def words(self) -> str:
        """What is spared, in a few words; empty if nothing is."""
        told = [f"{self.scale:g} of the size"] if self.scale != 1 else []
        told += ["lighter generator"] if self.lighter else []
        told += [f"{self.threads} thread{'s' * (self.threads > 1)}"] if self.threads else []
        told += [f"at most {self.most_fps:.1f} frames/s"] if self.most_fps is not None else []
        return ", ".join(told)


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

    @property
    def effort(self) -> Effort:
        """With how much work it paints, and which limits it keeps to."""
        ...

    def figures(self) -> Figures:
        """Counts, rate and times so far."""
        ...

    def picture(self) -> Frame | None:
        """The newest finished picture; None before the first. Shown again, it keeps its index."""
        ...
