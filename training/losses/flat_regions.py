"""A loss that keeps flat walls flat: no strokes from camera noise, or along borders."""

import torch
from torch import Tensor

SIDE = 64
"""Side of a wall in pixels: small, so that its borders matter."""
MOST_NOISE = 4 / 255
"""Largest standard deviation of the noise: that of a webcam in bad light."""


def noisy_flat_regions(source: Tensor, generator: torch.Generator) -> Tensor:
    """Flat pictures (B, 3, 64, 64) in the mean colours of crops (B, 3, H, W), with noise."""
    colours = source.mean(dim=(2, 3), keepdim=True)
    level = torch.rand(len(source), 1, 1, 1, generator=generator) * MOST_NOISE
    noise = torch.randn(len(source), 3, SIDE, SIDE, generator=generator) * level
    return (colours + noise).clamp(0, 1)


def flat_region_loss(painted: Tensor) -> Tensor:
    """Mean squared difference of painted noisy walls (B, 3, H, W) from their own mean colours.

    Ours. A style loss rewards strokes anywhere, and on a flat wall a generator can make them only
    from noise: the longer the training, the stronger a weave over walls and skin that differs in
    every frame. A painted wall should be one colour up to its borders. So walls are painted with
    the margin, as in the exported graph: the zeros beyond it must leave no stripe. (Crops, in
    contrast, are wrapped around.)
    """
    return (painted - painted.mean(dim=(2, 3), keepdim=True)).square().mean()
