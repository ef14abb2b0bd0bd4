"""The yardstick of the quality report: the same photographs painted by optimisation.

Minimises what the report measures, the style distance by the full loss network, while the content
distance is held to what the model left: how far the model is from what is possible at all.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np
import torch
from torch import Tensor

from training.descent import Descent, Losses
from training.evaluate import CONTENT_LAYER, STYLE_LAYERS, Painter, distance
from training.images import Picture, to_picture, to_square, to_tensor
from training.losses import content_loss, gram_matrix, range_loss, relative_error
from training.objective import StyleTarget
from training.vgg import LossNetwork

ITERATIONS = 300
EXCESS_WEIGHT = 10.0
"""On the squared share by which the content distance is too large: it ends within 1 % of it."""
RANGE_WEIGHT = 10.0
SMALLEST_CONTENT = 0.01
"""A model that changes next to nothing allows the optimisation this much."""


@dataclass(frozen=True)
class Baseline:
    """Means over the photographs: of the model's paintings, and of the optimised ones.

    `matched_after`: iterations after which the optimisation first was as good as the model, at no
    larger content distance; `iterations` where it never was.
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
        """Style distance of the model by that of the optimisation; 1 is as good as it gets."""
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
    """Optimise each photograph, cut as the report cuts it, and compare with the painter's.

    `on_iteration` hears how many iterations are done, of how many over all photographs.
    Raises TrainingError where an optimisation diverges.
    """
    figures = []
    for number, photo in enumerate(photographs):
        source = to_square(photo)
        before, painted = to_tensor(source[None]), to_tensor(painter(source)[None])
        model = distance(network, target, before, painted)
        descent = Descent(before, _yardstick(network, target, before, model[1]))
        matched = iterations
        for step in range(iterations):
            losses = descent.step()
            if losses["style"] <= model[0] and not losses["excess"]:
                matched = min(matched, step)
            on_iteration(number * iterations + step + 1, len(photographs) * iterations)
        best = to_tensor(to_picture(descent.best[0])[None])
        figures.append((*model, *distance(network, target, before, best), matched))
    means = [float(x) for x in np.mean(figures, axis=0)]
    return Baseline(len(photographs), iterations, *means)


def _yardstick(network: LossNetwork, target: StyleTarget, source: Tensor, allowed: float) -> Losses:
    """The report's style distance, and what keeps the content distance within `allowed`."""
    with torch.no_grad():
        wanted = network(source, (CONTENT_LAYER,))[CONTENT_LAYER]
    allowed = max(allowed, SMALLEST_CONTENT)

    def losses(pixels: Tensor) -> dict[str, Tensor]:
        # What is clipped in the end is clipped here: else the best has its style out of range.
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
