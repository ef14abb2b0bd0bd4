"""The quality report: one row per model, after a row for the unstylised photographs."""

import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from models.generator.parameters import mac_count, parameter_count
from training.data.tensors import Picture
from training.evaluation.as_shown import as_shown
from training.evaluation.baseline import ITERATIONS, Baseline, baseline
from training.evaluation.faces_kept import FacesKept, faces_kept
from training.evaluation.metrics import Painter, Quality, evaluate
from training.evaluation.model_painter import ModelPainter
from training.losses.style_target import StyleTarget
from training.losses.vgg import LossNetwork

HEIGHT, WIDTH = 480, 640
TIMED_RUNS = 15


@dataclass(frozen=True)
class ReportRow:
    """One row of the report. The cost figures are 0 for the unstylised photographs.

    `baseline`: what optimisation reaches; `faces`: how many of them can still be found. None if
    that was not asked for.
    """

    name: str
    quality: Quality
    parameters: int = 0
    kilobytes: float = 0.0
    megamacs: float = 0.0
    milliseconds: float = 0.0
    baseline: Baseline | None = None
    faces: FacesKept | None = None

    def as_dict(self) -> dict[str, Any]:
        quality = self.quality.as_dict()
        known = {key: None if math.isnan(value) else value for key, value in quality.items()}
        row: dict[str, Any] = {**asdict(self), "quality": known}
        del row["baseline"]
        if self.faces is None:
            del row["faces"]
        if self.baseline is not None:
            row["baseline"] = self.baseline.as_dict()
        return row


def report(
    models: list[Path],
    photographs: list[Picture],
    network: LossNetwork,
    target: StyleTarget,
    clip: list[Picture] | None = None,
    *,
    optimised: int = 0,
    iterations: int = ITERATIONS,
    portraits: list[Picture] | None = None,
    on_row: Callable[[str], None] = lambda _: None,
) -> list[ReportRow]:
    """Evaluate the unstylised photographs, then each model; `on_row` gets the name of each.

    The first `optimised` photographs are also painted by optimisation, in `iterations` steps
    each; that takes minutes per photograph. In `portraits`, faces are counted.
    """
    on_row("unstylised")
    same: Painter = lambda picture: picture  # noqa: E731
    rows = [ReportRow("unstylised", evaluate(same, photographs, network, target, clip, shown=same))]
    for path in models:
        on_row(path.stem)
        painter = ModelPainter(path)
        row = _row(path, painter, photographs, network, target, clip)
        if portraits is not None:
            row = replace(row, faces=faces_kept(painter, portraits))
        if optimised:
            reached = baseline(
                painter,
                photographs[:optimised],
                network,
                target,
                iterations=iterations,
                on_iteration=partial(_tell, on_row, path.stem),
            )
            row = replace(row, baseline=reached)
        rows.append(row)
    return rows


def _tell(on_row: Callable[[str], None], name: str, done: int, total: int) -> None:
    on_row(f"{name}: optimisation, iteration {done} of {total}")


def _row(
    path: Path,
    painter: ModelPainter,
    photographs: list[Picture],
    network: LossNetwork,
    target: StyleTarget,
    clip: list[Picture] | None,
) -> ReportRow:
    return ReportRow(
        path.stem,
        quality_of(painter, photographs, network, target, clip),
        parameter_count(painter.architecture),
        path.stat().st_size / 1024,
        mac_count(painter.architecture, HEIGHT, WIDTH) / 1e6,
        _median_ms(painter.generate),
    )


def quality_of(
    painter: ModelPainter,
    photographs: list[Picture],
    network: LossNetwork,
    target: StyleTarget,
    clip: list[Picture] | None = None,
) -> Quality:
    """The figures of a model on photographs, and on a clip as a live run shows it."""
    return evaluate(
        painter,
        photographs,
        network,
        target,
        clip,
        shown=as_shown(painter.generate, painter.preparation),
        generator=painter.generate,
    )


def _median_ms(painter: Painter) -> float:
    """Time of one 640×480 frame on this machine; `stylecam bench` compares models in turns."""
    frame = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    times = []
    for _ in range(TIMED_RUNS):
        began = time.perf_counter()
        painter(frame)
        times.append(time.perf_counter() - began)
    return float(np.median(times[3:])) * 1000
