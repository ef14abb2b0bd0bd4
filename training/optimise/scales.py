"""The sizes through which a painting grows, and how tensors are brought from one to the next."""

import torch.nn.functional as F
from torch import Tensor

FIRST = 128


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
