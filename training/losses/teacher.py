"""The objective of a light form: to paint what a teacher paints, a wider generator of the style.

A narrow generator that learns from the style picture alone has to find out by itself where a pane
or a stroke belongs; a teacher shows it, in the photograph at hand. A pass of the teacher costs a
fraction of one of the loss network, which need only see a part (Gou et al. 2021, Knowledge
Distillation: A Survey, arXiv:2006.05525, sec. 2.1: response-based).
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from models.generator.network import Generator
from training.config.recipe import Recipe
from training.losses.objective import Corner, in_precision, part_at_full_size
from training.losses.perceptual import content_loss, gram_matrix, relative_error
from training.losses.vgg import LossNetwork

PITCHES = (1, 2, 4)
"""Pixels are compared at full size and at these fractions of it, the coarser with more weight:
where a generator cannot follow each stroke, its light and colour must still be right."""
LAYERS = ("relu1_2", "relu2_2", "relu3_3")
FEATURE_WEIGHT = 0.5
"""Of the features' relative error. Without it, edges that could be here or there are blurred."""
GRAM_WEIGHT = 2.0
"""Of the Gram matrices' relative error: as much texture as the teacher paints, wherever it is."""


def pixel_loss(painted: Tensor, taught: Tensor, weights: Tensor | None = None) -> Tensor:
    """Mean absolute error of (B, 3, H, W) float 0..1 and of the differences of neighbouring pixels,
    at PITCHES. `weights` (B, 1, H, W): of the positions of the former; None: all alike."""
    losses = []
    for pitch in PITCHES:
        error = F.avg_pool2d(painted - taught, pitch) if pitch > 1 else painted - taught
        across, down = error.diff(dim=-1), error.diff(dim=-2)
        counts = error.abs()
        if weights is not None:
            counts = counts * F.avg_pool2d(weights, pitch)
        losses.append(counts.mean() * pitch + across.abs().mean() + down.abs().mean())
    return torch.stack(losses).sum()


class TeacherObjective:
    """The losses of a batch, against what `teacher` makes of the same windows."""

    def __init__(self, recipe: Recipe, network: LossNetwork, teacher: Generator) -> None:
        self.recipe = recipe
        self.device = network.device
        self.network = in_precision(network, recipe)
        self.teacher = teacher.to(self.device).to(memory_format=torch.channels_last)

    def __call__(
        self,
        source: Tensor,
        painted: Tensor,
        *,
        window: Tensor,
        corner: Corner = (0, 0),
        faces: Tensor | None = None,
        overlap: tuple[Tensor, Tensor] | None = None,
        progress: float = 1.0,
    ) -> dict[str, Tensor]:
        """Each loss by name. `painted` (B, 3, H, W) float; `window` (B, 3, H', W'): what it was
        painted from. `faces` (B, 1, H, W): 1 on a face, which counts by the recipe's face weight
        more."""
        with torch.no_grad():
            taught = self.teacher.paint_window(window, *painted.shape[-2:]).clamp(0, 1)
            wanted = self._features(taught, corner)
        features = self._features(painted, corner)
        weights = None if faces is None else 1 + self.recipe.face_weight * faces
        alike = [content_loss(features[x], wanted[x]) for x in LAYERS]
        grams = [relative_error(gram_matrix(features[x]), gram_matrix(wanted[x])) for x in LAYERS]
        return {
            "pixels": pixel_loss(painted, taught, weights),
            "features": torch.stack(alike).sum() * FEATURE_WEIGHT,
            "gram": torch.stack(grams).sum() * GRAM_WEIGHT,
        }

    def _features(self, picture: Tensor, corner: Corner) -> dict[str, Tensor]:
        """What the loss network sees of a part of a picture."""
        part = part_at_full_size(self.recipe, picture, corner)
        return self.network(part.contiguous(memory_format=torch.channels_last), LAYERS)
