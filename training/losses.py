"""The perceptual losses, as pure functions of features and pictures.

Each is relative to its target's own energy, so that weights mean the same at every layer,
size and style. Weights and layers are wrapped around them from outside (objective.py).
"""

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from training.artefacts import BLOCK, NEIGHBOURS, PERIODS

Scope = Literal["image", "batch", "mixed"]


def gram_matrix(features: Tensor) -> Tensor:
    """(B, C, h, w) to (B, C, C): channel correlations (Gatys et al. 2015, eq. 3).

    Divided by h·w, so that pictures of different size are comparable.
    """
    flat = features.flatten(2)
    return flat @ flat.mT / flat.shape[-1]


def relative_error(value: Tensor, target: Tensor) -> Tensor:
    """‖value − target‖² / ‖target‖², over all elements; a scalar."""
    return (value - target).square().sum() / target.square().sum().clamp_min(1e-8)


def gram_loss(grams: Tensor, target: Tensor, scope: Scope) -> Tensor:
    """Style loss of one layer (Johnson et al. 2016, eq. 4), relative: (B, C, C) to (C, C).

    "image" asks it of every picture: strong strokes, one palette over everything. "batch" asks
    it of the batch's mean: each picture keeps its own light and contrasts. "mixed" is half of
    each.
    """
    per_image = relative_error(grams, target.expand_as(grams))
    if scope == "image":
        return per_image
    per_batch = relative_error(grams.mean(dim=0), target)
    return per_batch if scope == "batch" else (per_image + per_batch) / 2


def content_loss(features: Tensor, target: Tensor) -> Tensor:
    """Feature reconstruction (Johnson et al. 2016, eq. 2), relative to the target's energy."""
    return relative_error(features, target)


LUMA = (0.299, 0.587, 0.114)
TONE_CELL = 8
"""Pixels over which tones are averaged: strokes are free, light and shade are not."""
PHOTO_TONE = (0.45, 0.25)
"""Mean and deviation of luma over photographs, which a style's own replace."""


def tones(picture: Tensor) -> Tensor:
    """Coarse light and shade: luma (B, 1, H/8, W/8) of a picture (B, 3, H, W)."""
    weights = picture.new_tensor(LUMA).view(1, 3, 1, 1)
    return F.avg_pool2d((picture * weights).sum(dim=1, keepdim=True), TONE_CELL)


def tone_loss(painted: Tensor, source: Tensor, style_tone: tuple[float, float]) -> Tensor:
    """How far light and shade are from the source's, brought to the style's mean and deviation.

    Ours: a generator that sees little of a picture at a time can please a Gram matrix by
    painting everything in one middle tone; this keeps bright bright and dark dark. Relative to
    the style's own variance.
    """
    mean, deviation = style_tone
    wanted = (tones(source) - PHOTO_TONE[0]) / PHOTO_TONE[1] * deviation + mean
    return (tones(painted) - wanted.clamp(0, 1)).square().mean() / deviation**2


def total_variation_loss(picture: Tensor) -> Tensor:
    """Mean squared difference of neighbours (Johnson et al. 2016, sec. 3.2). (B, 3, H, W)."""
    across = (picture[..., :, 1:] - picture[..., :, :-1]).square().mean()
    down = (picture[..., 1:, :] - picture[..., :-1, :]).square().mean()
    return across + down


def grid_loss(picture: Tensor) -> Tensor:
    """Mean square of the waves of (B, 3, H, W) that are in step with the strides and stand out.

    Ours: `artefacts.grid_peak`, to be trained by. The power spectrum is averaged over half
    overlapping blocks (Welch 1967), channels and the batch. At periods 2, 4 and 8 counts what is
    above the geometric mean of the bins around, which get no gradient: among strokes that are
    wider and narrower, some may be just so wide. (The variance of the mean 8×8 tile, in its
    place, drives all upright and level ones of that width out; what is left weaves diagonally.)
    Sides below 64 are made up by reflection; 33 at least.
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
    hann = torch.hann_window(BLOCK)
    window = hann[:, None] * hann
    blocks = (blocks - blocks.mean(dim=(-2, -1), keepdim=True)) * window
    spectrum = torch.fft.fft2(blocks) / window.sum()
    power = spectrum.real.square() + spectrum.imag.square()
    return power.mean(dim=tuple(range(power.ndim - 2)))


def _surroundings(power: Tensor) -> Tensor:
    """Geometric mean of bins beside each, outside of the window's main lobe and short of the next
    period's; along its row or its column, whichever is more: edges are ridges in a spectrum."""
    logs = power.clamp_min(1e-12).log()
    shifts = [sign * bins for bins in NEIGHBOURS for sign in (-1, 1)]
    beside = [torch.stack([logs.roll(s, dim) for s in shifts]).mean(dim=0) for dim in (0, 1)]
    return torch.maximum(*beside).exp()


def range_loss(picture: Tensor) -> Tensor:
    """Mean square of what lies outside 0..1: the export clips, so training must not go there."""
    return (picture - picture.clamp(0, 1)).square().mean()
