"""The colour loss: what is yellow in the photograph is so in the painting, as far as the style
picture has yellow.

Gram matrices do not know what has which colour. A painting that fits them can be yellow anywhere,
and pale where the photograph is brightest in colour. Wanted is the photograph in the style
picture's palette: moved by the linear map between the two chroma distributions that changes colours
least (Pitié and Kokaram 2007, The Linear Monge-Kantorovitch Linear Colour Mapping, sec. 3).
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from training.losses.terms import Seen
from training.losses.tones.light import PITCH, luma

LEAST_CHROMA = 0.04
"""Of 0..1: a grey photograph is not spread to full colour; that would show its noise."""

FAINTEST = 0.01
"""Of 0..1: a style picture in black and white still has a palette to divide by."""
UNIT = torch.eye(2, dtype=torch.float64)


@dataclass(frozen=True)
class Palette:
    """Mean (2, 1) and covariance (2, 2) of a picture's chroma, float64."""

    mean: Tensor
    covariance: Tensor


def chroma(pictures: Tensor) -> Tensor:
    """(B, 3, H, W) to (B, 2, H, W): how much redder, and how much bluer, than grey."""
    return pictures[:, [0, 2]] - luma(pictures)


def palette_of(styles: list[Tensor], shares: list[float]) -> Palette:
    """The weighted mean of the palettes of style pictures (1, 3, H, W) float 0..1."""
    parts = torch.tensor(shares, dtype=torch.float64) / sum(shares)
    moments = [_moments(chroma(style.cpu())[0].flatten(1).double()) for style in styles]
    mean, spread = (torch.tensordot(parts, torch.stack(x), 1) for x in zip(*moments, strict=True))
    return Palette(mean, spread + FAINTEST**2 * UNIT)


def in_palette(photographs: Tensor, palette: Palette) -> Tensor:
    """The chroma (B, 2, H, W) of photographs (B, 3, H, W), each moved to the palette."""
    shown = chroma(photographs)
    flat = shown.flatten(2).cpu().double()
    mean, covariance = _moments(flat)
    root = _root(covariance + LEAST_CHROMA**2 * UNIT)
    inverse = torch.linalg.inv(root)
    turned = inverse @ _root(root @ palette.covariance @ root) @ inverse
    return (palette.mean + turned @ (flat - mean)).view(shown.shape).to(shown)


def colour_loss(painted: Tensor, source: Tensor, palette: Palette) -> Tensor:
    """Mean squared error of the paintings' chroma, at PITCH, as a share of the palette's variance.

    `painted` and `source` (B, 3, H, W) float, about 0..1.
    """
    wanted = F.avg_pool2d(in_palette(source, palette), PITCH)
    shown = F.avg_pool2d(chroma(painted), PITCH)
    return (shown - wanted).square().sum(dim=1).mean() / float(palette.covariance.trace())


def _moments(flat: Tensor) -> tuple[Tensor, Tensor]:
    """Mean (…, 2, 1) and covariance (…, 2, 2) of chroma (…, 2, N)."""
    mean = flat.mean(dim=-1, keepdim=True)
    return mean, (flat - mean) @ (flat - mean).mT / flat.shape[-1]


def _root(matrices: Tensor) -> Tensor:
    """The square roots of positive definite (…, 2, 2), by Cayley and Hamilton."""
    determinant = torch.linalg.det(matrices).sqrt()[..., None, None]
    trace = matrices.diagonal(dim1=-2, dim2=-1).sum(dim=-1)[..., None, None]
    return (matrices + determinant * UNIT) / (trace + 2 * determinant).sqrt()


@dataclass(frozen=True)
class ColourTerm:
    weight: float
    palette: Palette
    name: str = "colour"

    def __call__(self, seen: Seen) -> Tensor:
        return colour_loss(seen.painted, seen.source, self.palette) * self.weight
