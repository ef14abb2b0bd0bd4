"""What was measured, as a table for people and as JSON for programs (schema: docs/bench.md)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib import metadata
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table

from models.system.machine import Machine
from realtime.bench.baselines import BASELINES, painted_name
from realtime.bench.interleaved_timing import Timing

SCHEMA = 1


@dataclass(frozen=True)
class GeneratorResult:
    """One generator alone on frames of one size. `painted` is the size that it worked at."""

    contender: str
    width: int
    height: int
    timing: Timing
    painted: tuple[int, int]

    @property
    def fps(self) -> float:
        return 1000 / self.timing.median


@dataclass(frozen=True)
class EndToEndResult:
    """One style on frames of one size through the whole pipeline, into one sink.

    `overhead` is how much longer a frame takes than in the generator alone, as a share, at the
    same painted size and in the same process. `cpu_share` is of the whole machine, 0..1. Memory
    is in MB. Latency is in ms, with a source as fast as a camera; `live_fps` of its frames
    arrived per second, and `unread` of them did not show their number.
    """

    style: str
    width: int
    height: int
    painted_width: int
    painted_height: int
    sink: str
    frames: int
    fps: float
    overhead: float
    live_fps: float
    latency_p50_ms: float
    latency_p95_ms: float
    unread: int
    memory_mb: float
    memory_peak_mb: float
    cpu_share: float

    @property
    def label(self) -> str:
        painted = (self.painted_width, self.painted_height)
        return painted_name(self.style, painted, (self.width, self.height))

    @property
    def latency_frames(self) -> tuple[float, float]:
        """Median and 95th percentile of the latency, in frame times at the rate `live_fps`."""
        return (
            self.latency_p50_ms * self.live_fps / 1000,
            self.latency_p95_ms * self.live_fps / 1000,
        )


@dataclass(frozen=True)
class Report:
    """All results of one run. `other_load` is the share of the machine used by other programs."""

    machine: Machine
    runtime: str
    generator: Sequence[GeneratorResult]
    end_to_end: Sequence[EndToEndResult] = ()
    other_load: float | None = None
    notes: Sequence[str] = field(default_factory=tuple)


def times_as_fast(
    results: Iterable[GeneratorResult],
) -> dict[tuple[str, int, int], dict[str, float]]:
    """(contender, width, height) to a dict: baseline to how many times as fast the contender is.

    Compares medians, and only within one size.
    """
    results = list(results)
    baselines = {
        (r.contender, r.width, r.height): r.timing.median
        for r in results
        if r.contender in BASELINES
    }
    return {
        (r.contender, r.width, r.height): {
            name: baselines[name, r.width, r.height] / r.timing.median
            for name in BASELINES
            if (name, r.width, r.height) in baselines
        }
        for r in results
    }


def to_json(report: Report) -> dict[str, Any]:
    """The report as plain data, ready for json.dump."""
    ratios = times_as_fast(report.generator)
    return {
        "schema": SCHEMA,
        "stylecam": own_version(),
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": asdict(report.machine),
        "runtime": report.runtime,
        "other_load": report.other_load,
        "generator": [_generator_json(r, ratios) for r in report.generator],
        "end_to_end": [_end_to_end_json(r) for r in report.end_to_end],
        "notes": list(report.notes),
    }


def own_version() -> str:
    """stylecam's version, or "not installed" if it runs from a plain folder."""
    try:
        return metadata.version("stylecam")
    except metadata.PackageNotFoundError:
        return "not installed"


def _generator_json(
    result: GeneratorResult, ratios: Mapping[tuple[str, int, int], dict[str, float]]
) -> dict[str, Any]:
    timing = result.timing
    return {
        "contender": result.contender,
        "width": result.width,
        "height": result.height,
        "painted_width": result.painted[0],
        "painted_height": result.painted[1],
        "runs": len(timing.times_ms),
        "median_ms": timing.median,
        "p10_ms": timing.p10,
        "p90_ms": timing.p90,
        "fps": result.fps,
        "times_as_fast": ratios[result.contender, result.width, result.height],
    }


def _end_to_end_json(result: EndToEndResult) -> dict[str, Any]:
    p50, p95 = result.latency_frames
    return {**asdict(result), "latency_p50_frames": p50, "latency_p95_frames": p95}


def three_digits(value: float) -> str:
    """A figure with about three significant digits: 4047, 119, 12.6, 1.23."""
    decimals = 2 if value < 10 else 1 if value < 100 else 0
    return f"{value:.{decimals}f}"


def generator_table(results: Sequence[GeneratorResult], width: int, height: int) -> Table:
    """The generators at one size, the fastest first."""
    caption = "×: how many times as fast as the generator of Johnson et al. 2016 at that alpha"
    table = _table(f"Generator alone, {width}×{height}", caption)
    table.add_column("generator", overflow="fold")
    for heading in (
        "ms",
        "p10–p90",
        "fps",
        *(f"×{n.removeprefix('johnson-')}" for n in BASELINES),
    ):
        table.add_column(heading, justify="right", no_wrap=True)
    ratios = times_as_fast(results)
    here = [r for r in results if (r.width, r.height) == (width, height)]
    for result in sorted(here, key=lambda r: r.timing.median):
        timing = result.timing
        shown = ratios[result.contender, width, height]
        table.add_row(
            result.contender,
            three_digits(timing.median),
            f"{three_digits(timing.p10)}–{three_digits(timing.p90)}",
            three_digits(result.fps),
            *(three_digits(shown[name]) if name in shown else "–" for name in BASELINES),
        )
    return table


def end_to_end_table(results: Sequence[EndToEndResult]) -> Table:
    caption = (
        "+: time a frame beyond the generator alone at the same size; latency p50/p95, also in "
        "frames at the rate that arrived; memory now/peak"
    )
    table = _table("End to end: source, pipeline, sink", caption)
    table.add_column("style", overflow="fold")
    for heading in ("size", "sink", "fps", "+", "latency ms", "frames", "MB", "CPU"):
        table.add_column(heading, justify="right", no_wrap=True)
    for r in results:
        p50, p95 = r.latency_frames
        table.add_row(
            r.label,
            f"{r.width}×{r.height}",
            r.sink,
            three_digits(r.fps),
            f"{r.overhead:+.0%}",
            f"{r.latency_p50_ms:.0f}/{r.latency_p95_ms:.0f}",
            f"{p50:.1f}/{p95:.1f}",
            f"{r.memory_mb:.0f}/{r.memory_peak_mb:.0f}",
            f"{r.cpu_share:.0%}",
        )
    return table


def _table(title: str, caption: str) -> Table:
    return Table(title=title, caption=caption, box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
