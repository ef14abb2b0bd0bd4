"""Steadiness without video: where two windows of a photograph overlap, the paintings must agree.

The windows lie some pixels apart, like two frames of a panning camera, and the second one has
noise and exposure of its own. Shifts by whole pixels need no resampling, so nothing is blurred.
"""

import torch
from torch import Tensor

MAX_SHIFT = 32
"""Pixels by which two windows are apart at most."""
SMALL_SHIFT = 3
"""Half of the pairs are at most so far apart: a person at a desk moves little."""
MAX_NOISE = 0.012
"""Deviation of the noise of a cheap camera, values 0..1."""
GAIN_DEVIATION = 0.02


def offsets(random: torch.Generator, largest: int = MAX_SHIFT) -> tuple[int, int, int, int]:
    """Top and left of the first window, then of the second, each 0..largest."""

    def integer(low: int, high: int) -> int:
        return int(torch.randint(low, high + 1, (), generator=random))

    top, left = integer(0, largest), integer(0, largest)
    if integer(0, 1):
        return top, left, integer(0, largest), integer(0, largest)
    near = [min(largest, max(0, x + integer(-SMALL_SHIFT, SMALL_SHIFT))) for x in (top, left)]
    return top, left, near[0], near[1]


def disturbed(window: Tensor, random: torch.Generator) -> Tensor:
    """A window (B, 3, H, W) float 0..1 as in the camera's next frame."""
    gain = 1 + torch.randn(len(window), 1, 1, 1, generator=random) * GAIN_DEVIATION
    noise = torch.randn(window.shape, generator=random) * MAX_NOISE
    return (window * gain + noise).clamp(0, 1)


def common_part(first: Tensor, second: Tensor, at: tuple[int, int, int, int]) -> tuple[Tensor, ...]:
    """What two pictures (B, 3, H, W), placed at `at` (see `offsets`), have in common."""
    height, width = first.shape[-2:]
    top, left = max(at[0], at[2]), max(at[1], at[3])
    bottom, right = min(at[0], at[2]) + height, min(at[1], at[3]) + width
    return tuple(
        picture[..., top - y : bottom - y, left - x : right - x]
        for picture, y, x in ((first, *at[:2]), (second, *at[2:]))
    )


def stability_loss(first: Tensor, second: Tensor) -> Tensor:
    """Mean squared difference of two paintings (B, 3, h, w) of the same place."""
    return (first - second).square().mean()
