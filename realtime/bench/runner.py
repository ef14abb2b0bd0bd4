"""Runs a benchmark: measures what was requested, prints tables and writes files."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from models.card import MINIMUM_SIDE, StyleCard
from models.catalogue import SHIPPED, find_style, style_paths
from models.errors import StylecamError, UsageError
from models.system.machine import this_machine
from models.system.output_path import check_writable
from realtime.bench import operator_profile, plot, thread_tuning
from realtime.bench.baselines import RuntimeOptions, load_contenders, painted_name
from realtime.bench.end_to_end import memory_soak, style_switch
from realtime.bench.end_to_end.measure import measure_end_to_end
from realtime.bench.end_to_end.sink_setup import DEFAULT_SINKS
from realtime.bench.end_to_end.worker import TrialConfig
from realtime.bench.interleaved_timing import interleave
from realtime.bench.other_load import OtherLoad
from realtime.bench.report import (
    GeneratorResult,
    Report,
    end_to_end_table,
    generator_table,
    to_json,
)
from realtime.config.units import parse_size
from realtime.frames.resize import Size

STANDARD_SIZES = "640x480,1280x720,1920x1080"
QUICK_SIZES = "640x480"
SOAK_SIZES = "1280x720"
BUSY = 0.1
"""Share of the machine used by other programs from which the report warns about its figures."""


@dataclass(frozen=True)
class Duration:
    """How long to measure: rounds at each size, and seconds for all sizes together.

    `whole` is the length in seconds of each run from source to sink.
    """

    rounds: int
    seconds: float
    whole: float


STANDARD = Duration(rounds=40, seconds=90, whole=4)
QUICK = Duration(rounds=6, seconds=6, whole=1.5)


@dataclass(frozen=True)
class BenchRequest:
    """The validated options of the command line.

    `whole` are the styles that are also run end to end, into each of `sinks`. `scale` is the
    share of the sides at which styles are painted (None: as in a live run).
    """

    styles: Sequence[StyleCard]
    sizes: Sequence[Size]
    runtime: RuntimeOptions
    effort: Duration
    whole: Sequence[StyleCard] = ()
    sinks: Sequence[str] = DEFAULT_SINKS
    scale: float | None = None
    json_path: Path | None = None
    plot_path: Path | None = None


def parse_sizes(text: str) -> list[Size]:
    """Parse "640x480,1280x720" into widths and heights. Raises UsageError for anything else."""
    sizes = []
    for word in text.split(","):
        try:
            size = parse_size(word)
        except ValueError as error:
            raise UsageError(f"size {word!r}: {error}") from None
        if min(size) < MINIMUM_SIDE:
            raise UsageError(f"size {word!r}: {MINIMUM_SIDE}x{MINIMUM_SIDE} is the least")
        sizes.append(size)
    return sizes


def pick_styles(names: str | None) -> list[StyleCard]:
    """The cards of comma-separated names or .onnx paths; None means every shipped style."""
    if names is None:
        return [find_style(name, [SHIPPED]) for name in style_paths([SHIPPED])]
    return [find_style(name.strip()) for name in names.split(",")]


def check_output(path: Path | None) -> None:
    """Raise UsageError if a result could not be written: before measuring, not after it."""
    if path is not None:
        check_writable(path)


def measure_generators(
    request: BenchRequest, *, on_turn: Callable[[str], None] = lambda what: None
) -> tuple[str, list[GeneratorResult]]:
    """The line naming the runtime, and the results of all styles and baselines at all sizes."""
    lines, results = [], []
    for width, height in request.sizes:
        with load_contenders(
            request.styles, request.runtime, width=width, height=height, scale=request.scale
        ) as (
            line,
            contenders,
        ):
            painted = {c.name: c.painted or (width, height) for c in contenders}
            lines.append(line)
            timings = interleave(
                contenders,
                rounds=request.effort.rounds,
                seconds=request.effort.seconds / len(request.sizes),
                on_turn=lambda name, w=width, h=height: on_turn(f"{name}, {w}×{h}"),  # type: ignore[misc]
            )
        results += [
            GeneratorResult(name, width, height, timing, painted[name])
            for name, timing in timings.items()
        ]
    return lines[-1], results


def show_report(request: BenchRequest) -> None:
    """Measure everything, print the tables, write JSON and plot if asked for."""
    check_output(request.json_path)
    check_output(request.plot_path)
    if request.plot_path:
        plot.check_plotting()
    console = Console()
    machine = this_machine()
    console.print(str(machine), highlight=False, soft_wrap=True)
    load = OtherLoad()
    with console.status("measuring") as status:
        line, generator = measure_generators(request, on_turn=status.update)
        end_to_end = measure_end_to_end(
            request.whole,
            request.sizes,
            request.runtime,
            seconds=request.effort.whole,
            scale=request.scale,
            sinks=request.sinks,
            on_turn=status.update,
        )
    other_load = load.share()
    notes = busy_notes(other_load)
    console.print(line, highlight=False, soft_wrap=True)
    for width, height in request.sizes:
        console.print(generator_table(generator, width, height))
    if end_to_end:
        console.print(end_to_end_table(end_to_end))
    for note in notes:
        console.print(note, style="yellow", highlight=False, soft_wrap=True)
    report = Report(machine, line, generator, end_to_end, other_load, notes)
    if request.json_path:
        write_json(request.json_path, to_json(report))
    try:
        if request.plot_path:
            plot.draw(report, request.plot_path)
    except OSError as error:
        raise StylecamError(f"{error.filename}: cannot be written: {error.strerror}") from None


def busy_notes(other_load: float | None) -> list[str]:
    """A note if other programs' share of the machine was too large."""
    if other_load is None or other_load < BUSY:
        return []
    return [
        f"other programs took {other_load:.0%} of the machine meanwhile: "
        "trust the ratios, not the milliseconds"
    ]


def show_profile(name: str, request: BenchRequest) -> None:
    """Print where the time goes inside one style, at the first of the sizes asked for."""
    card = find_style(name)
    width, height = request.sizes[0]
    times = operator_profile.profile(
        card, width=width, height=height, frames=20, runtime=request.runtime
    )
    console = Console()
    console.print(str(this_machine()), highlight=False, soft_wrap=True)
    title = f"{card.name}, {width}×{height}"
    console.print(
        operator_profile.profile_table(
            f"By kind of operator: {title}", operator_profile.by_kind(times)
        )
    )
    console.print(operator_profile.profile_table(f"By node: {title}", times, top=15))


def show_tuning(request: BenchRequest) -> None:
    """Print what each setting costs for the first style, at the first of the sizes."""
    if not request.styles:
        raise UsageError("--tune needs a style: give one with --styles")
    card = request.styles[0]
    width, height = request.sizes[0]
    console = Console()
    console.print(str(this_machine()), highlight=False, soft_wrap=True)
    tunings = thread_tuning.tune(
        card, thread_tuning.settings(request.runtime.threads), width=width, height=height
    )
    console.print(thread_tuning.tuning_table(tunings, f"{card.name}, {width}×{height}"))


def show_soak(request: BenchRequest, frames: int) -> None:
    """Print the memory use of the first style over `frames` frames, at the first of the sizes."""
    if not request.styles:
        raise UsageError("--soak needs a style: give one with --styles")
    check_output(request.json_path)
    card = request.styles[0]
    width, height = request.sizes[0]
    runtime = asdict(request.runtime)
    order = TrialConfig(str(card.path), width, height, "null", 0.0, scale=request.scale, **runtime)
    console = Console()
    with console.status(f"{card.name}, {width}×{height}, {frames} frames"):
        found = memory_soak.soak(order, frames)
    label = painted_name(card.name, order.painted, (width, height))
    console.print(f"{label}, {width}×{height}, null sink", highlight=False, soft_wrap=True)
    console.print(str(found), highlight=False, soft_wrap=True)
    if request.json_path:
        write_json(request.json_path, {"soak": {"style": card.name, **asdict(found)}})


def show_switch(request: BenchRequest) -> None:
    """Print what changing between the first two styles costs, at the first of the sizes."""
    if len(request.styles) < 2:
        raise UsageError("--switch needs two styles: give them with --styles")
    check_output(request.json_path)
    first, second = request.styles[:2]
    width, height = request.sizes[0]
    runtime = asdict(request.runtime)
    order = TrialConfig(str(first.path), width, height, "null", 0.0, scale=request.scale, **runtime)
    console, load = Console(), OtherLoad()
    with console.status(f"{first.name} and {second.name}, {width}×{height}"):
        found = style_switch.measure_switch(order, str(second.path))
    notes = busy_notes(load.share())
    label = painted_name(f"{first.name} and {second.name}", order.painted, (width, height))
    fps = f"{style_switch.CAMERA_FPS:g} frames/s"
    for line in (str(this_machine()), f"{label}, {width}×{height}, {fps}", str(found), *notes):
        console.print(line, highlight=False, soft_wrap=True)
    if request.json_path:
        names = {"styles": [first.name, second.name], "width": width, "height": height}
        write_json(request.json_path, {"switch": {**names, **asdict(found)}})


def write_json(path: Path, data: dict[str, Any]) -> None:
    try:
        path.write_text(json.dumps(data, indent=1) + "\n")
    except OSError as error:
        raise StylecamError(f"{path}: cannot be written: {error.strerror}") from None
