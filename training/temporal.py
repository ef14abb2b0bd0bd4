"""Steadiness without video: a picture under known motion must paint the moved painting."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from models.generator import Generator

STILL = 1 / 3
"""Share of the pictures that do not move: before a webcam most of the frame does not."""
MAX_SHIFT = 6.0
MAX_TURN = math.radians(1.5)
MAX_ZOOM = 0.03
MAX_NOISE = 0.03
MAX_GAIN = 0.04


def random_motion(batch: int, size: tuple[int, int], generator: torch.Generator) -> Tensor:
    """Affine maps (B, 2, 3) in grid_sample's units: a third of the pictures stand still, the
    others pan by whole pixels, half of those also turn and zoom.

    `size`: height and width of the pictures. Whole pixels are resampled exactly, so that two
    thirds of the pairs carry no blur at all.
    """
    height, width = size

    def uniform(limit: float) -> Tensor:
        return (torch.rand(batch, generator=generator) * 2 - 1) * limit

    kind = torch.rand(batch, generator=generator)
    moving, turning = (kind > STILL).float(), (kind > (1 + STILL) / 2).float()
    turn, zoom = uniform(MAX_TURN) * turning, 1 + uniform(MAX_ZOOM) * turning
    shift_x, shift_y = (uniform(MAX_SHIFT).round() * moving * 2 / side for side in (width, height))
    cos, sin = zoom * turn.cos(), zoom * turn.sin()
    # grid_sample's units are half a width and half a height: a turn must not shear.
    across, down = -sin * (height / width), sin * (width / height)
    rows = [torch.stack([cos, across, shift_x], -1), torch.stack([down, cos, shift_y], -1)]
    return torch.stack(rows, dim=1)


def warp(picture: Tensor, motion: Tensor) -> tuple[Tensor, Tensor]:
    """The moved picture (B, 3, H, W), and a mask (B, 1, H, W) of what was inside before."""
    grid = F.affine_grid(motion, list(picture.shape), align_corners=False)
    moved = F.grid_sample(picture, grid, padding_mode="reflection", align_corners=False)
    inside = (grid.abs() < 0.98).all(dim=-1, keepdim=True).permute(0, 3, 1, 2)
    return moved, inside.to(picture.dtype)


def disturb(picture: Tensor, generator: torch.Generator) -> Tensor:
    """The picture as a webcam's next frame: sensor noise and a slight change of exposure."""
    batch = len(picture)
    gain = 1 + (torch.rand(batch, 1, 1, 1, generator=generator) * 2 - 1) * MAX_GAIN
    level = torch.rand(batch, 1, 1, 1, generator=generator) * MAX_NOISE
    noise = torch.randn(picture.shape, generator=generator) * level
    return (picture * gain + noise).clamp(0, 1)


def paint_pair(
    generator: Generator, pair: dict[str, Tensor], *, others_in_use: bool
) -> tuple[Tensor, Tensor]:
    """The crops of a pair (`Run.pair`) painted, and the moved ones, (B, 3, H, W) each; those that
    are not steady as in use, if asked for."""
    source, moved = pair["source"], pair["moved"]
    together, placement = pair["steady"] | (not others_in_use), None
    if "placement" in pair:
        placement = torch.cat([pair["placement"], pair["placement_moved"][together]])
    both = generator(torch.cat([source, moved[together]]), placement=placement)
    painted, again = both.tensor_split([len(source)])
    if together.all():
        return painted, again
    every = torch.empty_like(painted)
    every[together] = again
    others = pair["placement_moved"][~together] if "placement" in pair else None
    with generator.as_in_use():
        every[~together] = generator(moved[~together], placement=others)
    return painted, every


def temporal_loss(first: Tensor, second: Tensor, motion: Tensor) -> Tensor:
    """Mean squared difference of `second` from the moved `first`, where both were seen; 0 of no
    pictures."""
    return _difference(first, second, motion, patch=1)


PATCH = 16
"""Pixels over which colours are averaged: strokes differ from place to place of the canvas, the
colour of a wall must not."""


def wallpaper_loss(first: Tensor, second: Tensor, motion: Tensor) -> Tensor:
    """As `temporal_loss`, but of the colours of patches of 16×16 pixels: zero where two paintings
    of one picture, the canvas lying elsewhere, differ in their strokes alone.

    Ours. A canvas can please a style loss all by itself, by painting the style picture's patches
    of colour over and over, whatever the frame shows. Where the second is painted as in use, with
    its margin, this sees a stripe along a border too.
    """
    return _difference(first, second, motion, patch=PATCH)


def _difference(first: Tensor, second: Tensor, motion: Tensor, *, patch: int) -> Tensor:
    if not len(first):  # which warp does not take
        return first.sum()
    pictures = (second, *warp(first, motion))
    seen, expected, inside = (F.avg_pool2d(x, patch) for x in pictures)
    return ((seen - expected).square() * inside).sum() / (inside.sum() * 3).clamp_min(1)
