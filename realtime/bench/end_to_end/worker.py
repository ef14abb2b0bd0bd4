"""Runs one style through the real pipeline, in its own process so that its memory is its own.

`python -m realtime.bench.end_to_end.worker ORDER` takes JSON and prints JSON.
`measure.py` calls it.
"""

import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path

import numpy as np

from models.card import load_card
from models.pictures import RGB
from models.steadiness.hold import LIVE_SMOOTHING
from models.system.free_memory import release_free_memory
from realtime.bench.end_to_end.child import answer
from realtime.bench.end_to_end.latency_probe import LatencyProbe, NumberedSource
from realtime.bench.end_to_end.sink_setup import LiveFormatSink, sink_of
from realtime.control.state import Settings, SettingsStore
from realtime.frames.frame import Frame, FrameFormat
from realtime.frames.size import Size, painted_size
from realtime.inference.backends import Backend
from realtime.inference.backends.registry import make_backend
from realtime.inference.stylizer import Stylizer
from realtime.pipeline.capture import Limits
from realtime.pipeline.pipeline import Pipeline, Plan
from realtime.sinks import Sink
from realtime.sources import EndOfSource, Source
from realtime.sources.demo import Demo
from realtime.sources.playback_clock import PlaybackClock

TURNS = 3
"""The source as fast as it can be has so many turns, with the generator alone between them: a
machine that others share can be half as fast for seconds, which the medians leave out."""
PICTURES = 8
CAMERA_FPS = 30.0
STATUS = Path("/proc/self/status")
CLEAR = Path("/proc/self/clear_refs")
CLEAR_PEAK = "5"


@dataclass(frozen=True)
class TrialConfig:
    """What to run. `model` is the .onnx file, `seconds` the length of each of the two runs (of
    the first, all turns together).

    `scale` is the share of the sides at which frames are painted (None: as in a live run).
    """

    model: str
    width: int
    height: int
    sink: str
    seconds: float
    backend: str
    device: str
    threads: int | None
    half: bool | None
    scale: float | None = None

    @property
    def painted(self) -> Size:
        """The size that the generator works at."""
        return painted_size(Size(self.width, self.height), self.scale)


@dataclass(frozen=True)
class TrialResult:
    """Rates in frames per second, times in ms, memory in MB, CPU as a share of the machine.

    `frames` (in all) and `fps` (the median of TURNS) are from the first run, whose source is as
    fast as it can be. `generator_ms` is the generator alone, the median before, between and after
    those turns. All else is from the second run, whose source gives CAMERA_FPS frames per second,
    as a camera does; `live_fps` of them arrived. The latency of each frame is known by the number
    in its pixels (latency_probe.py); `unread` frames did not show theirs.
    """

    generator_ms: float
    frames: int
    fps: float
    live_fps: float
    latency_p50_ms: float
    latency_p95_ms: float
    unread: int
    memory_mb: float
    memory_peak_mb: float
    cpu_share: float


class PrerenderedSource(Source):
    """Costs nothing: repeats a few pictures of the demo that were made before."""

    def __init__(self, pictures: list[RGB], *, live: bool, seconds: float | None = None) -> None:
        height, width = pictures[0].shape[:2]
        self._format = FrameFormat(width, height, CAMERA_FPS, live)
        self._pictures = pictures
        self._seconds = seconds
        self._clock = PlaybackClock(paced=live)
        self._index = count()

    def open(self) -> FrameFormat:
        self._clock.start()
        return self._format

    def read(self) -> Frame:
        index = next(self._index)
        timestamp = index / CAMERA_FPS
        if self._seconds is not None and timestamp >= self._seconds:
            raise EndOfSource
        captured = self._clock.wait(timestamp)
        return Frame(self._pictures[index % len(self._pictures)], index, captured, timestamp)

    def close(self) -> None:
        self._clock.stop()


def prerender(width: int, height: int) -> list[RGB]:
    """Pictures of the demo as a camera gives them, forwards and then backwards.

    So each resembles the one before it even when they repeat; a recorder's work depends on it.
    """
    demo = Demo(width=width, height=height, fps=CAMERA_FPS, paced=False)
    demo.open()
    try:
        pictures = [demo.read().rgb for _ in range(PICTURES)]
    finally:
        demo.close()
    return pictures + pictures[-2:0:-1]


def run(config: TrialConfig) -> TrialResult:
    """Measure one order. Raises StylecamError."""
    pictures = prerender(config.width, config.height)
    make = partial(
        make_backend, config.backend, config.device, threads=config.threads, half=config.half
    )
    alone = [generator_ms(config, make, pictures)]
    frames = max(PICTURES, int(config.seconds * 1000 / alone[0] / TURNS))
    plan = Plan(live=False, limits=Limits(frames=frames))
    swift = []
    for _ in range(TURNS):
        with sink_of(config.sink) as sink:
            source = PrerenderedSource(pictures, live=False)
            swift.append(run_pipeline(config, make, source, LiveFormatSink(sink), plan).metrics)
        alone.append(generator_ms(config, make, pictures))
    release_free_memory()  # what the turns leave behind is no memory of a live run
    reset_peak()
    started, used = time.monotonic(), sum(os.times()[:2])
    camera = NumberedSource(PrerenderedSource(pictures, live=True, seconds=config.seconds))
    with sink_of(config.sink) as sink:
        reader = LatencyProbe(sink, camera)
        calm = run_pipeline(config, make, camera, reader, Plan(live=True))
    elapsed, used = time.monotonic() - started, sum(os.times()[:2]) - used
    p50, p95 = reader.spread_ms()
    return TrialResult(
        generator_ms=float(np.median(alone)),
        frames=sum(metrics.painted for metrics in swift),
        fps=float(np.median([metrics.fps for metrics in swift])),
        live_fps=calm.metrics.fps,
        latency_p50_ms=p50,
        latency_p95_ms=p95,
        unread=reader.unread,
        memory_mb=memory("VmRSS"),
        memory_peak_mb=memory("VmHWM"),
        cpu_share=used / (elapsed * (os.cpu_count() or 1)),
    )


def generator_ms(config: TrialConfig, make: Callable[[], Backend], pictures: list[RGB]) -> float:
    """Median time of the generator alone on the same pictures, over its share of the seconds."""
    backend = make()
    try:
        backend.load(load_card(Path(config.model)))
        size = config.painted
        backend.warm_up(size.height, size.width)
        times: list[float] = []
        while sum(times) < config.seconds / (TURNS + 1) or len(times) < 3:
            started = time.perf_counter()
            backend.stylize(pictures[len(times) % len(pictures)], at=size)
            times.append(time.perf_counter() - started)
        return 1000 * float(np.median(times))
    finally:
        backend.close()


def run_pipeline(
    config: TrialConfig, make: Callable[[], Backend], source: Source, sink: Sink, plan: Plan
) -> Pipeline:
    """Run the pipeline and return it, closed. The model is loaded before the first frame."""
    card = load_card(Path(config.model))
    # Even an unpaced run paints as a live run does: at its size, and with its smoothing.
    stylizer = Stylizer(lambda name: card, lambda _: make(), keep=1, within=config.painted)
    stylizer.load(card.name)
    box = SettingsStore(Settings(styles=(card.name,), style=card.name, smoothing=LIVE_SMOOTHING))
    pipeline = Pipeline(source, stylizer, [sink], box, plan)
    pipeline.start()
    pipeline.run()
    return pipeline


def reset_peak() -> None:
    """Forget the highest memory use so far, if the system allows it (Linux)."""
    if CLEAR.exists():
        CLEAR.write_text(CLEAR_PEAK)


def memory(key: str) -> float:
    """VmRSS or VmHWM of this process in MB; nan if the system does not tell."""
    if not STATUS.exists():
        return float("nan")
    fields = dict(line.split(":", 1) for line in STATUS.read_text().splitlines())
    return int(fields[key].split()[0]) / 1024


if __name__ == "__main__":
    sys.exit(answer(lambda words: run(TrialConfig(**words))))
