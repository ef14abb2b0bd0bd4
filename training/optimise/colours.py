"""Keeping the photograph's colours (Gatys et al. 2016, Preserving Color in Neural Artistic Style
Transfer). Pictures are (1, 3, H, W) float 0..1."""

import torch
from torch import Tensor

from training.losses.tones.light import luma
from training.optimise.scales import fit, resized

ROUNDS = 4
"""Corrections of the colourfulness; each meets what clipping took in the round before."""
RIDGE = 1e-5
GRAIN_SIDE = 256
"""What is finer than in a picture of this side counts as grain: noise of a scan, blocks of a JPEG.
Colours may be made stronger, their grain not: flat parts would be speckled."""


def grey(picture: Tensor) -> Tensor:
    """Luma in all three channels."""
    return luma(picture).expand_as(picture).contiguous()


def match_tone(picture: Tensor, like: Tensor) -> Tensor:
    """The grey picture with the mean and standard deviation of the grey picture `like` (eq. 10)."""
    deviation = picture.std().clamp_min(1 / 255)
    return ((picture - picture.mean()) / deviation * like.std() + like.mean()).clamp(0, 1)


def match_colours(picture: Tensor, like: Tensor) -> Tensor:
    """The picture with the mean and covariance of the colours of `like` (eq. 3 to 8).

    The linear map is C_like^½ C_picture^-½, the one that Gatys et al. found best; grain is not
    made larger by it."""
    own, smooth, wanted = (
        x[0].flatten(1).double() for x in (picture, without_grain(picture), like)
    )
    centre = own.mean(dim=1, keepdim=True)
    change = _root(_covariance(wanted), 0.5) @ _root(_covariance(own), -0.5)
    left, gains, right = torch.linalg.svd(change)
    calm = left * gains.clamp_max(1) @ right
    moved = change @ (smooth - centre) + calm @ (own - smooth) + wanted.mean(dim=1, keepdim=True)
    return moved.to(picture.dtype).view_as(picture).clamp(0, 1)


def without_grain(picture: Tensor) -> Tensor:
    """The picture without what is too fine for a longer side of GRAIN_SIDE."""
    shape = (picture.shape[2], picture.shape[3])
    if max(shape) <= GRAIN_SIDE:
        return picture
    return resized(resized(picture, fit(shape, GRAIN_SIDE)), shape)


def _covariance(colours: Tensor) -> Tensor:
    return torch.cov(colours) + RIDGE * torch.eye(3, dtype=colours.dtype, device=colours.device)


def _root(matrix: Tensor, power: float) -> Tensor:
    values, vectors = torch.linalg.eigh(matrix)
    return vectors * values.clamp_min(RIDGE).pow(power) @ vectors.mT


def chroma(picture: Tensor) -> Tensor:
    """Mean distance from grey, in the plane of B − Y and R − Y."""
    distance = picture - luma(picture)
    return distance[:, (0, 2)].square().sum(dim=1).sqrt().mean()


def recolour(painted: Tensor, photo: Tensor) -> Tensor:
    """The painting's luma with the photograph's colours (sec. 4): its B − Y and R − Y.

    Very light and very dark strokes cannot hold a strong colour; the others get more of it, so
    that the picture as a whole stays as colourful as the photograph.
    """
    return _as_colourful(luma(painted), photo - luma(photo), float(chroma(photo)))


def match_chroma(painted: Tensor, photo: Tensor) -> Tensor:
    """The painting, more or less saturated, so that its mean chroma is the photograph's."""
    own = luma(painted)
    return _as_colourful(own, painted - own, float(chroma(photo)))


def _as_colourful(light: Tensor, colours: Tensor, wanted: float) -> Tensor:
    gain, smooth = 1.0, without_grain(colours)
    result = (light + colours).clamp(0, 1)
    for _ in range(ROUNDS):
        gain *= min(2.0, wanted / max(float(chroma(result)), 1e-4))
        grain = min(gain, 1.0) * (colours - smooth)
        result = (light + gain * smooth + grain).clamp(0, 1)
    return result
