"""Where the time goes inside a generator: ONNX Runtime's own profile, summed up by operator."""

import json
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.table import Table

from models.card import StyleCard
from realtime.bench.baselines import RuntimeOptions
from realtime.inference.backends.onnx_runtime import OnnxRuntimeBackend

KERNEL = "_kernel_time"


@dataclass(frozen=True)
class OperatorTime:
    """One operator of the optimised graph: mean milliseconds per frame, and number of nodes."""

    name: str
    kind: str
    ms: float
    nodes: int = 1


def profile(
    card: StyleCard,
    *,
    width: int,
    height: int,
    frames: int,
    runtime: RuntimeOptions,
) -> list[OperatorTime]:
    """Every node of the graph that ran, slowest first, averaged over `frames` frames.

    Profiling itself takes time, so the sum is above what `bench` measures.
    """
    frame = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    with TemporaryDirectory(prefix="stylecam-profile-") as folder:
        backend = OnnxRuntimeBackend(
            device=runtime.device,
            threads=runtime.threads,
            half=runtime.half,
            profile=Path(folder) / "ort",
        )
        try:
            backend.load(card)
            for _ in range(frames + 1):
                backend.stylize(frame)
            events = json.loads(backend.end_profile().read_text())
        finally:
            backend.close()
    return sum_events(events, frames)


def sum_events(events: list[dict[str, Any]], frames: int) -> list[OperatorTime]:
    """Sum ONNX Runtime's events by node. The first frame is left out: it allocates memory."""
    durations: dict[tuple[str, str], list[float]] = defaultdict(list)
    for event in events:
        if event.get("cat") == "Node" and event["name"].endswith(KERNEL):
            name = event["name"].removesuffix(KERNEL)
            durations[name, event["args"]["op_name"]].append(event["dur"] / 1000)
    times = [
        OperatorTime(name, kind, sum(values[-frames:]) / frames)
        for (name, kind), values in durations.items()
    ]
    return sorted(times, key=lambda time: -time.ms)


def by_kind(times: list[OperatorTime]) -> list[OperatorTime]:
    """The times summed over all nodes of a kind, slowest kind first."""
    kinds: dict[str, list[float]] = defaultdict(list)
    for time in times:
        kinds[time.kind].append(time.ms)
    summed = [OperatorTime(kind, kind, sum(ms), len(ms)) for kind, ms in kinds.items()]
    return sorted(summed, key=lambda time: -time.ms)


def profile_table(title: str, times: list[OperatorTime], top: int | None = None) -> Table:
    """A table of the `top` slowest entries; shares are of the whole frame."""
    total = sum(time.ms for time in times)
    table = Table(title=title, box=SIMPLE_HEAD)
    table.add_column("operator")
    table.add_column("node")
    for heading in ("nodes", "ms", "share"):
        table.add_column(heading, justify="right")
    for time in times[:top]:
        node = "" if time.name == time.kind else time.name
        share = f"{time.ms / total:.0%}"
        table.add_row(time.kind, node, str(time.nodes), f"{time.ms:.2f}", share)
    table.add_row("all", "", str(sum(t.nodes for t in times)), f"{total:.2f}", "100%")
    return table
