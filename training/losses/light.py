"""The light loss: what is bright or dark in the photograph is so in the painting, and by as much as
the style picture's own bright and dark parts differ.

Gram matrices do not know where anything is, and features hardly how bright: a painting that fits
both can have all its contrast in its strokes, and then looks flat, as if behind a veil. Its strokes
run across outlines, too, and then it looks soft: the outline loss keeps the strongest of them as
sharp as the photograph has them (as Li et al. 2017, Laplacian-Steered Neural Style Transfer, do
with all).
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from models.exposure import LEAST_DEVIATION
from training.losses.terms import Seen

LUMA = (0.299, 0.587, 0.114)
"""Shares of red, green and blue in what the eye takes for brightness (ITU-R BT.601, sec. 2.5.1)."""
PITCH = 4
"""Pixels: most of a stroke is finer, and free; what is lit or in shade is coarser."""
OUTLINE = 5
"""Pixels: the side of the surroundings from which an outline stands out."""
FAINT, STRONG = 0.3, 0.8
"""In deviations of the photograph's luma: from FAINT on, what stands out from its surroundings
counts as an outline; from STRONG on in full."""


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


def outline_loss(painted: Tensor, source: Tensor, light: Light) -> Tensor:
    """How much outlines differ, in squared deviations of the style picture's luma.

    `painted` and `source` (B, 3, H, W) float, about 0..1. Wanted is that a pixel stands out from
    what is around it as the photograph's does, in its own deviations; counted on outlines.
    """
    wanted, counted = outlines(source)
    shown = standing_out(painted) / max(light.deviation, LEAST_DEVIATION)
    return (counted * (shown - wanted).square()).mean()


def outlines(pictures: Tensor) -> tuple[Tensor, Tensor]:
    """How pixels of (B, 3, H, W) stand out, in deviations of each picture's luma, and where that is
    an outline: from 0, nowhere near one, to 1, on a strong one; (B, 1, H, W) each."""
    deviation = luma(pictures).std(dim=(2, 3), keepdim=True, correction=0)
    out = standing_out(pictures) / deviation.clamp_min(LEAST_DEVIATION)
    strength = F.max_pool2d(out.abs(), 3, stride=1, padding=1)  # both sides of an outline
    return out, ((strength - FAINT) / (STRONG - FAINT)).clamp(0, 1)


def standing_out(pictures: Tensor) -> Tensor:
    """The luma of (B, 3, H, W) less its mean in the OUTLINE × OUTLINE pixels around each."""
    light = luma(pictures)
    around = F.pad(light, (OUTLINE // 2,) * 4, mode="replicate")
    return light - F.avg_pool2d(around, OUTLINE, stride=1)


@dataclass(frozen=True)
class LightTerm:
    weight: float
    light: Light
    name: str = "light"

    def __call__(self, seen: Seen) -> Tensor:
        return light_loss(seen.painted, seen.source, self.light) * self.weight


@dataclass(frozen=True)
class OutlineTerm:
    weight: float
    light: Light
    name: str = "outline"

    def __call__(self, seen: Seen) -> Tensor:
        return outline_loss(seen.painted, seen.source, self.light) * self.weight
