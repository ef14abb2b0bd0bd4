"""The quality report: one row per model, after a row for the unstylised photographs."""

import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from models.card import load_card
from models.generator.parameters import mac_count, parameter_count
from models.onnx.blocked_graph import blocked_generator
from models.onnx.frame_ends import FrameEnds, PlainEnds
from models.onnx.graph import read_architecture
from models.onnx.session import cpu_session
from models.preparation import AS_IT_IS, Preparation
from training.data.tensors import Picture
from training.evaluation.as_shown import as_shown
from training.evaluation.baseline import ITERATIONS, Baseline, baseline
from training.evaluation.faces_kept import FacesKept, faces_kept
from training.evaluation.metrics import Painter, Quality, evaluate
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


def generator_painter(model: onnx.ModelProto, preparation: Preparation = AS_IT_IS) -> Painter:
    """Paints whole pictures, after their preparation, in the layout of a live run on a CPU."""
    ends: FrameEnds = PlainEnds("painted", 1)
    if (blocked := blocked_generator(model)) is not None:
        model, ends = blocked
    session = cpu_session(model)

    def paint(picture: Picture) -> Picture:
        seen = preparation.prepared(picture)
        (out,) = session.run(None, {ends.input: ends.given(seen)})
        return ends.picture(np.asarray(out, np.uint8), seen)

    return paint


def model_painter(path: Path) -> Painter:
    """Paints single pictures with the model at `path`, prepared as its card says."""
    return generator_painter(onnx.load(path), load_card(path).preparation)


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
        row = _row(path, photographs, network, target, clip)
        if portraits is not None:
            row = replace(row, faces=faces_kept(model_painter(path), portraits))
        if optimised:
            reached = baseline(
                model_painter(path),
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
    photographs: list[Picture],
    network: LossNetwork,
    target: StyleTarget,
    clip: list[Picture] | None,
) -> ReportRow:
    model = onnx.load(path)
    architecture = read_architecture(model)
    generator, preparation = generator_painter(model), load_card(path).preparation
    return ReportRow(
        path.stem,
        quality_of(generator, preparation, photographs, network, target, clip),
        parameter_count(architecture),
        path.stat().st_size / 1024,
        mac_count(architecture, HEIGHT, WIDTH) / 1e6,
        _median_ms(generator),
    )


def quality_of(
    generator: Painter,
    preparation: Preparation,
    photographs: list[Picture],
    network: LossNetwork,
    target: StyleTarget,
    clip: list[Picture] | None = None,
) -> Quality:
    """The figures of a generator that paints pictures after their `preparation`."""
    return evaluate(
        lambda picture: generator(preparation.prepared(picture)),
        photographs,
        network,
        target,
        clip,
        shown=as_shown(generator, preparation),
        generator=generator,
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
