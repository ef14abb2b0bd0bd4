"""Measures from source to sink: each style, size and sink in its own process."""

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict

from models.card import StyleCard
from models.errors import StylecamError
from realtime.bench.baselines import RuntimeOptions
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

    `sinks` are keys of ends.SINKS. Frames are painted at `scale` of their sides (None: as in a
    live run). Raises StylecamError with the trial's own message if a trial fails.
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
    command = [sys.executable, "-m", "realtime.bench.end_to_end.worker", json.dumps(asdict(config))]
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            timeout=TIMEOUT + 20 * config.seconds,
        )
    except subprocess.TimeoutExpired:
        raise StylecamError(
            f"{config.model}: the end-to-end trial hung; use --no-end-to-end"
        ) from None
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        raise StylecamError(f"{config.model}: the end-to-end trial failed: {lines[-1]}")
    return TrialResult(**json.loads(done.stdout.splitlines()[-1]))


def to_result(style: str, config: TrialConfig, outcome: TrialResult) -> EndToEndResult:
    """An outcome as the report shows it, with the overhead over the generator alone."""
    fields = {name: value for name, value in asdict(outcome).items() if name != "generator_ms"}
    overhead = 1000 / (outcome.fps * outcome.generator_ms) - 1
    sizes = (config.width, config.height, *config.painted)
    return EndToEndResult(style, *sizes, config.sink, overhead=overhead, **fields)
