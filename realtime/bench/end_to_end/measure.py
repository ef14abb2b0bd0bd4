"""Measures from source to sink: each style, size and sink in its own process."""

from collections.abc import Callable, Sequence
from dataclasses import asdict

from models.card import StyleCard
from realtime.bench.baselines import RuntimeOptions
from realtime.bench.end_to_end import worker
from realtime.bench.end_to_end.child import in_child
from realtime.bench.end_to_end.sink_setup import DEFAULT_SINKS
from realtime.bench.end_to_end.worker import TrialConfig, TrialResult
from realtime.bench.report import EndToEndResult

TIMEOUT = 120.0
"""A trial counts as stuck after this many seconds plus 20 times the length of a run."""


def measure_end_to_end(
    styles: Sequence[StyleCard],
    sizes: Sequence[tuple[int, int]],
    runtime: RuntimeOptions,
    *,
    seconds: float,
    scale: float | None = None,
    sinks: Sequence[str] = DEFAULT_SINKS,
    on_turn: Callable[[str], None] = lambda what: None,
) -> list[EndToEndResult]:
    """Measure every style at every size (width, height) into each sink: two runs of `seconds`.

    `sinks` are keys of sink_setup.SINKS. Frames are painted at `scale` of their sides (None: as in
    a live run). Raises StylecamError with the trial's own message if a trial fails.
    """
    results = []
    for card in styles:
        for width, height in sizes:
            for sink in sinks:
                on_turn(f"{card.name}, {width}×{height}, source to {sink}")
                words = asdict(runtime)
                config = TrialConfig(
                    str(card.path), width, height, sink, seconds, scale=scale, **words
                )
                outcome = run_trial(config)
                results.append(to_result(card.name, config, outcome))
    return results


def run_trial(config: TrialConfig) -> TrialResult:
    """Carry out an order in a child process. Raises StylecamError if it fails or hangs."""
    timeout = TIMEOUT + 20 * config.seconds
    what = f"{config.model}: the end-to-end trial"
    advice = "use --no-end-to-end"
    words = asdict(config)
    found = in_child(worker.__name__, words, what=what, timeout=timeout, if_hung=advice)
    return TrialResult(**found)


def to_result(style: str, config: TrialConfig, outcome: TrialResult) -> EndToEndResult:
    """An outcome as the report shows it, with the overhead over the generator alone."""
    fields = {name: value for name, value in asdict(outcome).items() if name != "generator_ms"}
    overhead = 1000 / (outcome.fps * outcome.generator_ms) - 1
    sizes = (config.width, config.height, *config.painted)
    return EndToEndResult(style, *sizes, config.sink, overhead=overhead, **fields)
