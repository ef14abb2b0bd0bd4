"""Whether a flat wall stays one: camera noise and borders are nothing to make strokes of."""

import torch
from torch import Tensor

SIDE = 64
"""Pixels of a wall: small, so that its borders count."""
MOST_NOISE = 4 / 255
"""Standard deviation of a webcam's noise in bad light."""


def noisy_walls(source: Tensor, generator: torch.Generator) -> Tensor:
    """Flat pictures (B, 3, 64, 64) in the mean colours of crops (B, 3, H, W), with noise."""
    colours = source.mean(dim=(2, 3), keepdim=True)
    level = torch.rand(len(source), 1, 1, 1, generator=generator) * MOST_NOISE
    noise = torch.randn(len(source), 3, SIDE, SIDE, generator=generator) * level
    return (colours + noise).clamp(0, 1)


def calm_loss(painted: Tensor) -> Tensor:
    """Mean square of what painted noisy walls (B, 3, H, W) differ from their own mean colours.

    Ours. To a style loss strokes are strokes, and on a flat wall a generator has nothing but noise
    to make them of: the longer it is trained, the more of it becomes a weave over walls and
    skin, another in every frame. What a wall is, is one colour, up to its borders: painted as in
    use, so that the zeros beyond the margin leave no stripe. (Crops are wrapped around.)
    """
    return (painted - painted.mean(dim=(2, 3), keepdim=True)).square().mean()
