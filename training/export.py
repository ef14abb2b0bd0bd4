"""Exports a checkpoint as a style: NAME.onnx, its card NAME.yaml and preview NAME.jpg.

Every exported graph is run in ONNX Runtime and compared with torch before it is written.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import onnx
import torch
from torch import Tensor

from models.card import StyleCard, write_card
from models.errors import ModelError, TrainingError
from models.generator.architecture import Architecture, folded
from models.generator.fold_batchnorm import fold_weights
from models.generator.network import Generator, load_generator
from models.generator.parameters import Weights, parameter_count
from models.onnx.graph import build_graph
from models.onnx.session import cpu_session
from models.pictures import write_picture
from models.system.atomic_file import write_bytes_atomically
from training.data.tensors import Picture, to_picture, to_square, to_tensor
from training.evaluation.model_painter import ModelPainter
from training.loop.checkpoint import fingerprint, load_checkpoint

MAX_DIFFERENCE = 2
"""Largest allowed difference of any value between graph and torch, in levels of 255."""
CHECKED_SIZES = ((96, 128), (121, 203), (64, 61))
CHECKED_STRENGTHS = (1.0, 0.4)


@dataclass(frozen=True)
class Parity:
    """Mean and largest difference between graph and torch, in levels of 255."""

    mean: float
    largest: int


def to_arrays(weights: dict[str, Tensor]) -> Weights:
    return {k: v.detach().float().numpy() for k, v in weights.items() if v.is_floating_point()}


def export_checkpoint(
    path: Path,
    out: Path,
    *,
    name: str | None = None,
    title: str | None = None,
    credit: str = "",
) -> StyleCard:
    """Write the style of a checkpoint (or of a run's folder) to `out` (.onnx), with its card.

    Raises UsageError for a missing checkpoint, TrainingError for a damaged one, and ModelError,
    with nothing written, if the graph's output differs from torch's.
    """
    checkpoint = load_checkpoint(path / "checkpoint.pt" if path.is_dir() else path)
    recipe = checkpoint.recipe
    smaller = folded(checkpoint.architecture)
    card = StyleCard(
        name=name or out.stem,
        title=title or (name or out.stem).replace("-", " ").title(),
        credit=credit,
        architecture=smaller.name,
        alpha=smaller.alpha,
        stride=smaller.stride,
        parameters=parameter_count(smaller),
        exposure=recipe.exposure,
        grain=recipe.grain,
        training=recipe.model_dump(mode="json", exclude={"images"})
        | {
            "style": file_names(recipe.style),
            "steps": checkpoint.step,
            "fingerprint": fingerprint(checkpoint.average),
        },
    )
    return export_weights(checkpoint.architecture, checkpoint.average, card, out)


def file_names(styles: str) -> str:
    """The space-separated style pictures without their folders: cards are shared with others."""
    return re.sub(r"\S*[/\\]", "", styles)


def export_weights(
    architecture: Architecture, weights: dict[str, Tensor], card: StyleCard, out: Path
) -> StyleCard:
    """Fold batch norms, build the graph, compare it with torch, write it and its card.

    Returns the card with its path. Raises ModelError if graph and torch differ too much."""
    model = build_graph(folded(architecture), fold_weights(architecture, to_arrays(weights)), card)
    parity = compare(model, load_generator(architecture, weights))
    if parity.largest > MAX_DIFFERENCE:
        raise ModelError(
            f"{out}: not written: the graph differs from torch by up to {parity.largest} "
            f"of 255 levels (mean {parity.mean:.3f}, allowed {MAX_DIFFERENCE})"
        )
    write_bytes_atomically(out, model.SerializeToString())
    write_card(card, out)
    return card.model_copy(update={"path": out})


@torch.no_grad()
def compare(model: onnx.ModelProto, generator: Generator) -> Parity:
    """Largest and mean difference over a few sizes and strengths, on smooth random pictures."""
    session = cpu_session(model)
    random = np.random.default_rng(0)
    differences = []
    for height, width in CHECKED_SIZES:
        noise = random.integers(0, 256, (height, width, 3), dtype=np.uint8)
        picture = np.asarray(cv2.GaussianBlur(noise, (0, 0), 2), np.uint8)
        for strength in CHECKED_STRENGTHS:
            expected = to_picture(generator(to_tensor(picture[None]), strength)[0])
            feed = {"frame": picture, "strength": np.array([strength], np.float32)}
            (painted,) = session.run(None, feed)
            differences.append(np.abs(painted.astype(int) - expected.astype(int)).ravel())
    everywhere = np.concatenate(differences)
    return Parity(float(everywhere.mean()), int(everywhere.max()))


def write_preview(model: Path, picture: Picture, out: Path) -> None:
    """Paint the middle square of a picture (H, W, 3) uint8 RGB; write it as a small JPEG."""
    square = to_square(picture)
    write_picture(out, ModelPainter(model)(square), error=TrainingError)
