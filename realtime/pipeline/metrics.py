"""What a run measured: frame counts, rates and times. Any thread may add to it."""

import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from realtime.control.monitor import Figures

WINDOW = 600
"""Newest times kept for each stage: 20 s at 30 frames/s. The limit keeps memory flat."""


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Median and 95th percentile, in milliseconds; nan if nothing was measured."""

    p50: float
    p95: float


class Metrics:
    """Counts frames and keeps the newest times of each stage."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._times: dict[str, deque[float]] = defaultdict(lambda: deque(maxlen=WINDOW))
        self._began: float | None = None
        self._ended = 0.0
        self.painted = self.unchanged = 0

    def add(self, stage: str, seconds: float) -> None:
        """Record the duration of a stage ("stylize"), or a frame's age at a sink ("latency")."""
        with self._lock:
            self._times[stage].append(seconds)

    def count_painted(self) -> None:
        with self._lock:
            self._ended = self._clock()
            if self._began is None:
                self._began = self._ended
            self.painted += 1

    def count_unchanged(self) -> None:
        """Count a frame that got the last painting again; it counts as painted too."""
        with self._lock:
            self.unchanged += 1

    def percentiles(self, stage: str) -> Percentiles:
        with self._lock:
            times = list(self._times[stage])
        if not times:
            return Percentiles(float("nan"), float("nan"))
        p50, p95 = np.percentile(np.array(times) * 1000, [50, 95])
        return Percentiles(float(p50), float(p95))

    @property
    def fps(self) -> float:
        """Painted frames per second, from the first to the newest; 0 with fewer than two."""
        with self._lock:
            if self._began is None or self.painted < 2:
                return 0.0
            return (self.painted - 1) / max(1e-9, self._ended - self._began)

    def figures(self, *, frames_in: int, dropped: int) -> Figures:
        """Everything measured so far, for others to show; the caller knows the other counts."""
        with self._lock:
            stages = [stage for stage, times in self._times.items() if times]
        each = {stage: self.percentiles(stage) for stage in sorted(stages)}
        return Figures(
            frames_in=frames_in,
            frames_out=self.painted,
            unchanged=self.unchanged,
            dropped=dropped,
            fps=self.fps,
            milliseconds={stage: (times.p50, times.p95) for stage, times in each.items()},
        )

    def line(self, *, dropped: int) -> str:
        """A summary in one readable line."""
        if not self.painted:
            return f"0 frames, {dropped} dropped"
        stylize, latency = self.percentiles("stylize"), self.percentiles("latency")
        again = f" ({self.unchanged} unchanged, not painted again)" if self.unchanged else ""
        return (
            f"{self.painted} frames{again}, {self.fps:.1f} frames/s; "
            f"generator {stylize.p50:.1f} ms (p95 {stylize.p95:.1f}), "
            f"latency {latency.p50:.0f} ms (p95 {latency.p95:.0f}), {dropped} dropped"
        )
