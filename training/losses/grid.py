"""A loss against the grid of its strides that a network leaves in flat areas. Ours."""

import torch
import torch.nn.functional as F
from torch import Tensor

PERIODS = (2, 4, 8)

BLOCK = 64
"""Side of a block of the spectrum: a multiple of every period, so that each has its own bin."""

NEIGHBOURS = (3, 4, 5)
"""Distances in bins from a peak to its surroundings: outside the main lobe of the window, and
before the main lobe of the next peak."""


def grid_loss(picture: Tensor) -> Tensor:
    """Mean square of the waves of (B, 3, H, W) at the periods of the strides that stand out.

    Ours: a differentiable form of `artefacts.grid_peak`. The power spectrum is averaged over half
    overlapping blocks (Welch 1967), channels and batch. At each bin of period 8, 4, 8/3 or 2, the
    power above the geometric mean of the surrounding bins counts. These get no gradient: strokes
    of such a width are allowed among wider and narrower ones. (The variance of the mean 8×8 tile,
    as a loss instead, removes all vertical and horizontal strokes of that width, and leaves a
    diagonal weave.) Sides below 64 are filled by reflection; they must be at least 33.
    """
    power = _mean_spectrum(picture)
    step = BLOCK // max(PERIODS)
    excess = F.relu(power - _surroundings(power.detach()))[::step, ::step]
    return excess.sum() - excess[0, 0]


def _mean_spectrum(picture: Tensor) -> Tensor:
    """Mean squared amplitude (64, 64) of a wave exp(2πi(ky·y + kx·x)/64)."""
    down, right = (max(0, BLOCK - side) for side in picture.shape[-2:])
    picture = F.pad(picture, (0, right, 0, down), mode="reflect")
    blocks = picture.unfold(-2, BLOCK, BLOCK // 2)
    blocks = blocks.unfold(-2, BLOCK, BLOCK // 2)
    hann = torch.hann_window(BLOCK, device=picture.device)
    window = hann[:, None] * hann
    blocks = (blocks - blocks.mean(dim=(-2, -1), keepdim=True)) * window
    spectrum = torch.fft.fft2(blocks) / window.sum()
    power = spectrum.real.square() + spectrum.imag.square()
    return power.mean(dim=tuple(range(power.ndim - 2)))


def _surroundings(power: Tensor) -> Tensor:
    """Geometric mean of the NEIGHBOURS of each bin along its row, or its column if that is more:
    edges in a picture are ridges along a row or column of its spectrum."""
    logs = power.clamp_min(1e-12).log()
    shifts = [sign * bins for bins in NEIGHBOURS for sign in (-1, 1)]
    beside = [torch.stack([logs.roll(s, dim) for s in shifts]).mean(dim=0) for dim in (0, 1)]
    return torch.maximum(*beside).exp()
