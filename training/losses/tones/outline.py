"""The outline loss: strong outlines of the photograph stay as sharp as it has them.

Strokes run across outlines, and then a painting looks soft, although its edges are strong. (Li et
al. 2017, Laplacian-Steered Neural Style Transfer, keep all that stands out; here, strokes are free
wherever the photograph has no outline.)
"""

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor

from training.losses.terms import Seen
from training.losses.tones.light import LEAST_DEVIATION, Light, luma

OUTLINE = 5
"""Pixels: the side of the surroundings from which an outline stands out."""
FAINT, STRONG = 0.3, 0.8
"""In deviations of the photograph's luma: from FAINT on, what stands out from its surroundings
counts as an outline; from STRONG on in full."""


def outline_loss(painted: Tensor, source: Tensor, light: Light) -> Tensor:
    """How much outlines differ, in squared deviations of the style picture's luma.

    `painted` and `source` (B, 3, H, W) float, about 0..1. Wanted is that a pixel stands out from
    what is around it as the photograph's does, in its own deviations; counted on outlines.
    """
    wanted, counted = outlines(source)
    shown = standing_out(luma(painted)) / max(light.deviation, LEAST_DEVIATION)
    return (counted * (shown - wanted).square()).mean()


def outlines(pictures: Tensor) -> tuple[Tensor, Tensor]:
    """How pixels of (B, 3, H, W) stand out, in deviations of each picture's luma, and where that is
    an outline: from 0, nowhere near one, to 1, on a strong one; (B, 1, H, W) each."""
    light = luma(pictures)
    deviation = light.std(dim=(2, 3), keepdim=True, correction=0)
    out = standing_out(light) / deviation.clamp_min(LEAST_DEVIATION)
    strength = F.max_pool2d(out.abs(), 3, stride=1, padding=1)  # both sides of an outline
    return out, ((strength - FAINT) / (STRONG - FAINT)).clamp(0, 1)


def standing_out(light: Tensor) -> Tensor:
    """Luma (B, 1, H, W) less its mean in the OUTLINE × OUTLINE pixels around each."""
    around = F.pad(light, (OUTLINE // 2,) * 4, mode="replicate")
    return light - F.avg_pool2d(around, OUTLINE, stride=1)


@dataclass(frozen=True)
class OutlineTerm:
    weight: float
    light: Light
    name: str = "outline"

    def __call__(self, seen: Seen) -> Tensor:
        return outline_loss(seen.painted, seen.source, self.light) * self.weight
