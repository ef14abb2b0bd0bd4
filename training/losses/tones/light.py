"""The light loss: what is bright or dark in the photograph is so in the painting, and by as much as
the style picture's own bright and dark parts differ.

Gram matrices do not know where anything is, and features hardly how bright: a painting that fits
both can have all its contrast in its strokes, and then looks flat, as if behind a veil.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from training.losses.terms import Seen

LUMA = (0.299, 0.587, 0.114)
"""Shares of red, green and blue in what the eye takes for brightness (ITU-R BT.601, sec. 2.5.1)."""
LEAST_DEVIATION = 0.08
"""Of luma, 0..1: what counts as the deviation of an even wall, whose noise is not to be painted."""
PITCH = 4
"""Pixels: most of a stroke is finer, and free; what is lit or in shade is coarser."""


def luma(pictures: Tensor) -> Tensor:
    """How bright pictures are: (B, 3, H, W) to (B, 1, H, W)."""
    return (pictures * pictures.new_tensor(LUMA).view(1, 3, 1, 1)).sum(dim=1, keepdim=True)


@dataclass(frozen=True)
class Light:
    """Mean and deviation of a picture's luma, of 0..1."""

    mean: float
    deviation: float

    def times(self, contrast: float) -> "Light":
        """The same mean with `contrast` times the deviation."""
        return Light(self.mean, self.deviation * contrast)


def light_of(styles: list[Tensor], shares: list[float]) -> Light:
    """The weighted mean of the light of style pictures (1, 3, H, W) float 0..1."""
    parts = torch.tensor(shares, dtype=torch.float64) / sum(shares)
    means = torch.stack([luma(style).double().mean().cpu() for style in styles])
    deviations = torch.stack([luma(style).double().std(correction=0).cpu() for style in styles])
    return Light(float(parts @ means), float(parts @ deviations))


def light_loss(painted: Tensor, source: Tensor, light: Light) -> Tensor:
    """Mean squared error of the paintings' luma, at PITCH, in deviations of the style picture's.

    `painted` and `source` (B, 3, H, W) float, about 0..1. Wanted is the photograph's luma, each
    brought to the mean and the deviation of `light`.
    """
    shown = F.avg_pool2d(luma(painted), PITCH)
    seen = luma(source)
    deviation = seen.std(dim=(2, 3), keepdim=True, correction=0).clamp_min(LEAST_DEVIATION)
    seen = (F.avg_pool2d(seen, PITCH) - seen.mean(dim=(2, 3), keepdim=True)) / deviation
    contrast = max(light.deviation, LEAST_DEVIATION)  # a style picture of one colour has none
    return ((shown - light.mean) / contrast - seen).square().mean()


@dataclass(frozen=True)
class LightTerm:
    weight: float
    light: Light
    name: str = "light"

    def __call__(self, seen: Seen) -> Tensor:
        return light_loss(seen.painted, seen.source, self.light) * self.weight
