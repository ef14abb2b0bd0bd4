"""Synthetic motion, to measure steadiness on photographs: moves, turns, zooms and disturbs them."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

STILL = 1 / 3
"""Share of the pictures that do not move: in front of a webcam most of the frame stands still."""
MAX_SHIFT = 6.0
MAX_TURN = math.radians(1.5)
MAX_ZOOM = 0.03
MAX_NOISE = 0.03
MAX_GAIN = 0.04


def random_motion(batch: int, size: tuple[int, int], generator: torch.Generator) -> Tensor:
    """Random affine maps (B, 2, 3) in grid_sample's units, for pictures of `size` (H, W).

    A third of the pictures stand still; the others pan by whole pixels, and half of these also
    turn and zoom. Shifts by whole pixels are resampled exactly, so two thirds of the pairs are
    not blurred at all.
    """
    height, width = size

    def uniform(limit: float) -> Tensor:
        return (torch.rand(batch, generator=generator) * 2 - 1) * limit

    kind = torch.rand(batch, generator=generator)
    moving, turning = (kind > STILL).float(), (kind > (1 + STILL) / 2).float()
    turn, zoom = uniform(MAX_TURN) * turning, 1 + uniform(MAX_ZOOM) * turning
    shift_x, shift_y = (uniform(MAX_SHIFT).round() * moving * 2 / side for side in (width, height))
    cos, sin = zoom * turn.cos(), zoom * turn.sin()
    # grid_sample's units are half a width and half a height: correct for that, or turns shear.
    across, down = -sin * (height / width), sin * (width / height)
    rows = [torch.stack([cos, across, shift_x], -1), torch.stack([down, cos, shift_y], -1)]
    return torch.stack(rows, dim=1)


def warp(picture: Tensor, motion: Tensor) -> tuple[Tensor, Tensor]:
    """The moved picture (B, 3, H, W), and a mask (B, 1, H, W) of pixels from inside the picture."""
    grid = F.affine_grid(motion, list(picture.shape), align_corners=False)
    moved = F.grid_sample(picture, grid, padding_mode="reflection", align_corners=False)
    inside = (grid.abs() < 0.98).all(dim=-1, keepdim=True).permute(0, 3, 1, 2)
    return moved, inside.to(picture.dtype)


def disturb(picture: Tensor, generator: torch.Generator) -> Tensor:
    """The picture as in a webcam's next frame: with sensor noise and slightly other exposure."""
    batch = len(picture)
    gain = 1 + (torch.rand(batch, 1, 1, 1, generator=generator) * 2 - 1) * MAX_GAIN
    level = torch.rand(batch, 1, 1, 1, generator=generator) * MAX_NOISE
    noise = torch.randn(picture.shape, generator=generator) * level
    return (picture * gain + noise).clamp(0, 1)
