"""The baseline of the quality report: the same photographs painted by optimisation.

It minimises what the report measures, the style distance by the full loss network, and holds the
content distance to that of the model. So it shows how far the model is from what is possible.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np
import torch
from torch import Tensor

from training.data.tensors import Picture, to_picture, to_square, to_tensor
from training.evaluation.metrics import CONTENT_LAYER, STYLE_LAYERS, Painter, distance
from training.losses.perceptual import content_loss, gram_matrix, range_loss, relative_error
from training.losses.style_target import StyleTarget
from training.losses.vgg import LossNetwork
from training.optimise.lbfgs import Losses, PixelOptimizer

ITERATIONS = 300
EXCESS_WEIGHT = 10.0
"""Weight of the squared relative excess of the content distance, which ends within 1 % of the
allowed one."""
RANGE_WEIGHT = 10.0
SMALLEST_CONTENT = 0.01
"""Content distance that is always allowed, even if the model changes almost nothing."""


@dataclass(frozen=True)
class Baseline:
    """Means over the photographs: of the model's paintings, and of the optimised ones.

    `matched_after`: iterations until the optimisation was first as good as the model, within the
    allowed content distance; `iterations` if it never was.
    """

    photographs: int
    iterations: int
    model_style: float
    model_content: float
    model_total_variation: float
    style: float
    content: float
    total_variation: float
    matched_after: float

    @property
    def ratio(self) -> float:
        """The model's style distance over the optimisation's; 1: as good as optimisation."""
        return self.model_style / max(self.style, 1e-9)

    def as_dict(self) -> dict[str, float]:
        return asdict(self) | {"ratio": self.ratio}


def baseline(
    painter: Painter,
    photographs: list[Picture],
    network: LossNetwork,
    target: StyleTarget,
    *,
    iterations: int = ITERATIONS,
    on_iteration: Callable[[int, int], None] = lambda done, total: None,
) -> Baseline:
    """Optimise the report's square of each photograph, and compare it with the painter's result.

    `on_iteration` gets the number of iterations done, and their total over all photographs.
    Raises TrainingError if an optimisation diverges.
    """
    figures = []
    for number, photo in enumerate(photographs):
        source = to_square(photo)
        before, painted = to_tensor(source[None]), to_tensor(painter(source)[None])
        model = distance(network, target, before, painted)[:3]
        descent = PixelOptimizer(before, _comparison_losses(network, target, before, model[1]))
        matched = iterations
        for step in range(iterations):
            losses = descent.step()
            if losses["style"] <= model[0] and not losses["excess"]:
                matched = min(matched, step)
            on_iteration(number * iterations + step + 1, len(photographs) * iterations)
        best = to_tensor(to_picture(descent.best[0])[None])
        figures.append((*model, *distance(network, target, before, best)[:3], matched))
    means = [float(x) for x in np.mean(figures, axis=0)]
    return Baseline(len(photographs), iterations, *means)


def _comparison_losses(
    network: LossNetwork, target: StyleTarget, source: Tensor, allowed: float
) -> Losses:
    """The report's style distance, with penalties for content beyond `allowed` and for range."""
    with torch.no_grad():
        wanted = network(source, (CONTENT_LAYER,))[CONTENT_LAYER]
    allowed = max(allowed, SMALLEST_CONTENT)

    def losses(pixels: Tensor) -> dict[str, Tensor]:
        # The result is clipped at the end, so clip here too: else style would rely on lost values.
        features = network(pixels.clamp(0, 1), STYLE_LAYERS)
        errors = [
            relative_error(gram_matrix(features[x])[0], target.grams[x]) for x in STYLE_LAYERS
        ]
        excess = (content_loss(features[CONTENT_LAYER], wanted) / allowed - 1).clamp_min(0)
        return {
            "style": torch.stack(errors).mean(),
            "excess": excess.square() * EXCESS_WEIGHT,
            "range": range_loss(pixels) * RANGE_WEIGHT,
        }

    return losses
