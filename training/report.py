"""The quality report: one row a model beside the unstylised photographs, figures as they are."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import onnx
import onnxruntime

from models.architecture import mac_count, parameter_count
from models.graph import read_architecture
from training.evaluate import Painter, Quality, evaluate
from training.export import quiet_session
from training.images import Picture
from training.objective import StyleTarget
from training.vgg import LossNetwork

HEIGHT, WIDTH = 480, 640
TIMED_RUNS = 15


@dataclass(frozen=True)
class Row:
    """One line of the report. The cost figures are 0 for the unstylised photographs."""

    name: str
    quality: Quality
    parameters: int = 0
    kilobytes: float = 0.0
    megamacs: float = 0.0
    milliseconds: float = 0.0

    def as_dict(self) -> dict[str, float | str]:
        return {**asdict(self), "quality": self.quality.as_dict()}


def painter_of(session: onnxruntime.InferenceSession) -> Painter:
    def paint(picture: Picture) -> Picture:
        (painted,) = session.run(None, {"frame": np.ascontiguousarray(picture)})
        return np.asarray(painted, np.uint8)

    return paint


def report(
    models: list[Path],
    photographs: list[Picture],
    network: LossNetwork,
    target: StyleTarget,
    clip: list[Picture] | None = None,
    on_row: Callable[[str], None] = lambda _: None,
) -> list[Row]:
    """Judge each model, and the photographs as they are. `on_row` hears whose turn it is."""
    on_row("unstylised")
    rows = [Row("unstylised", evaluate(lambda x: x, photographs, network, target, clip))]
    for path in models:
        on_row(path.stem)
        rows.append(_row(path, photographs, network, target, clip))
    return rows


def _row(
    path: Path,
    photographs: list[Picture],
    network: LossNetwork,
    target: StyleTarget,
    clip: list[Picture] | None,
) -> Row:
    model = onnx.load(path)
    architecture = read_architecture(model)
    painter = painter_of(quiet_session(model))
    return Row(
        path.stem,
        evaluate(painter, photographs, network, target, clip),
        parameter_count(architecture),
        path.stat().st_size / 1024,
        mac_count(architecture, HEIGHT, WIDTH) / 1e6,
        _median_ms(painter),
    )


def _median_ms(painter: Painter) -> float:
    """One frame at 640×480 on this machine; `stylecam bench` compares models side by side."""
    frame = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    times = []
    for _ in range(TIMED_RUNS):
        began = time.perf_counter()
        painter(frame)
        times.append(time.perf_counter() - began)
    return float(np.median(times[3:])) * 1000
