"""Checks that memory stays flat: sends many frames through the real pipeline, in its own process.

`python -m realtime.bench.end_to_end.memory_soak WORDS` takes JSON and prints JSON; `soak` calls it.
"""

import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial

import numpy as np

from realtime.bench.end_to_end.child import answer, in_child
from realtime.bench.end_to_end.worker import (
    PrerenderedSource,
    TrialConfig,
    memory,
    prerender,
    reset_peak,
    run_pipeline,
)
from realtime.frames.frame import Frame
from realtime.inference.backends.registry import make_backend
from realtime.pipeline.capture import Limits
from realtime.pipeline.pipeline import Plan
from realtime.sinks.null import Null

EVERY = 50
"""Memory is sampled when the number of frames so far is a multiple of this, or one more."""
SETTLED = 1000
"""Frames after which memory should no longer grow, or half of the run if that is fewer."""
TIMEOUT = 2.0
"""A run counts as stuck after this many seconds per frame, plus 60."""


@dataclass(frozen=True)
class MemoryGrowth:
    """Memory of the process in MB over a run of `frames` frames.

    `slope` is the growth in MB per 1000 frames from frame `settled_at` on, by least squares;
    `settled` is the memory in use at that frame.
    """

    frames: int
    start: float
    settled_at: int
    settled: float
    end: float
    peak: float
    slope: float

    def __str__(self) -> str:
        return (
            f"{self.frames} frames: {self.start:.0f} MB at the first, {self.settled:.0f} after "
            f"{self.settled_at}, {self.end:.0f} at the end, {self.peak:.0f} at most; "
            f"{self.slope:+.2f} MB per 1000 frames after the first {self.settled_at}"
        )


class MemorySampler(Null):
    """Discards frames and samples the memory of the process as (frames, MB)."""

    def __init__(self, weigh: Callable[[], float]) -> None:
        super().__init__()
        self._sample = weigh
        self.samples: list[tuple[int, float]] = []

    def write(self, frame: Frame) -> None:
        super().write(frame)
        if self.frames % EVERY in {0, 1}:
            self.samples.append((self.frames, self._sample()))


def summarise(samples: Sequence[tuple[int, float]], peak: float) -> MemoryGrowth:
    """Summarise at least four samples (frames, MB), given in order."""
    assert len(samples) >= 4, samples
    frames, used = np.array(samples, float).T
    settled_at = min(SETTLED, frames[-1] / 2)
    late = frames >= settled_at
    slope = np.polyfit(frames[late] / 1000, used[late], 1)[0]
    settled = float(used[late][0])
    first = int(frames[late][0])
    return MemoryGrowth(
        int(frames[-1]), float(used[0]), first, settled, float(used[-1]), peak, float(slope)
    )


def run(config: TrialConfig, frames: int) -> MemoryGrowth:
    """Paint `frames` frames of an unpaced source at the order's size. Raises StylecamError."""
    source = PrerenderedSource(prerender(config.width, config.height), live=False)
    make = partial(
        make_backend, config.backend, config.device, threads=config.threads, half=config.half
    )
    scales = MemorySampler(partial(memory, "VmRSS"))
    reset_peak()
    run_pipeline(config, make, source, scales, Plan(live=False, limits=Limits(frames=frames)))
    return summarise(scales.samples, memory("VmHWM"))


def soak(config: TrialConfig, frames: int) -> MemoryGrowth:
    """Do the same in a child process. Raises StylecamError with its message if it fails."""
    words = {"order": asdict(replace(config, seconds=0.0)), "frames": frames}
    timeout = 60 + TIMEOUT * frames
    what = f"{config.model}: the soak"
    advice = "give --soak fewer frames"
    found = in_child(__name__, words, what=what, timeout=timeout, if_hung=advice)
    return MemoryGrowth(**found)


if __name__ == "__main__":
    sys.exit(answer(lambda words: run(TrialConfig(**words["order"]), words["frames"])))
