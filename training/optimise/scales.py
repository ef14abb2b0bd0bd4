"""The sizes through which a painting grows, and how tensors are brought from one to the next."""

import math
from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor

from training.optimise.settings import PaintSettings

MARGIN = 1 / 32
"""Of the longer side: how far all scales but the last are painted beyond the picture. The loss
network repeats its borders in each layer, so what is painted there differs: by 20 levels in the
last of 128 columns, which would be a strip of 16 pixels in a print; of the last scale, one pixel
differs. There a margin would be judged along with the picture, and cost most."""


@dataclass(frozen=True)
class Scale:
    """One size (H, W) of the painting, and how many iterations it gets. `margin`: pixels on each
    side that are painted, too, and cut off."""

    shape: tuple[int, int]
    iterations: int
    margin: int = 0
    fine_only: bool = False

    @property
    def painted(self) -> tuple[int, int]:
        """(H, W) with the margin."""
        return self.shape[0] + 2 * self.margin, self.shape[1] + 2 * self.margin

    @property
    def work(self) -> int:
        """Pixels to be painted, each as often as there are iterations."""
        return self.painted[0] * self.painted[1] * self.iterations

    def framed(self, picture: Tensor) -> Tensor:
        """(B, C, h, w) 0..1 resized to `shape`, and mirrored into the margin: (B, C, *painted)."""
        inside = resized(picture, self.shape).clamp(0, 1)
        mode = "reflect" if self.margin < min(self.shape) else "replicate"
        return F.pad(inside, (self.margin,) * 4, mode=mode)

    def inside(self, painted: Tensor) -> Tensor:
        """(B, C, *painted) without the margin."""
        height, width = self.shape
        return painted[..., self.margin : self.margin + height, self.margin : self.margin + width]


def plan_scales(shape: tuple[int, ...], settings: PaintSettings) -> list[Scale]:
    """The scales of a painting of a photograph of `shape` (H, W)."""
    sides = scale_sides(settings.first_size, settings.size)
    if settings.enhance:
        sides.append(round(settings.size * 2**0.5))
    count, first = len(sides), settings.initial_iterations
    return [
        Scale(
            fit(shape, side),
            settings.iterations if number else first,
            margin=math.ceil(side * MARGIN) if number < count - 1 else 0,
            fine_only=side > settings.size,
        )
        for number, side in enumerate(sides)
    ]


def scale_sides(first: int, last: int) -> list[int]:
    """Longer sides from about `first` to `last` pixels, each √2 times the one before."""
    sides = [last]
    while (side := round(last / 2 ** (len(sides) / 2))) >= first:
        sides.append(side)
    return sides[::-1]


def fit(shape: tuple[int, ...], side: int) -> tuple[int, int]:
    """(H, W) in the proportions of `shape` (H, W), its longer side `side`; enlarges as well."""
    height, width = shape
    factor = side / max(height, width)
    return max(1, round(height * factor)), max(1, round(width * factor))


def side_of_megapixels(shape: tuple[int, ...], megapixels: float) -> int:
    """The longer side of a picture with these proportions (H, W) and so many million pixels."""
    height, width = shape
    return max(1, round(max(height, width) * (megapixels * 1e6 / (height * width)) ** 0.5))


def resized(picture: Tensor, shape: tuple[int, int]) -> Tensor:
    """(B, C, h, w) resized to (B, C, *shape): bicubic, antialiased when it shrinks."""
    if tuple(picture.shape[2:]) == tuple(shape):
        return picture
    shrinks = picture.shape[2] > shape[0] or picture.shape[3] > shape[1]
    return F.interpolate(
        picture, size=shape, mode="bicubic", align_corners=False, antialias=shrinks
    )


def resized_evenly(values: Tensor, shape: tuple[int, int]) -> Tensor:
    """Resized bilinearly, so that what is nowhere negative stays so."""
    return F.interpolate(values, size=shape, mode="bilinear", align_corners=False)
