"""The perceptual losses, as pure functions of features and pictures.

Content, style and tone losses are relative to the strength of their target, so that a weight
means the same for every layer, size and style. objective.py applies weights and layers.
"""

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from training.artefacts import BLOCK, NEIGHBOURS, PERIODS

Scope = Literal["image", "batch", "mixed"]


def gram_matrix(features: Tensor) -> Tensor:
    """Channel correlations (B, C, C) of features (B, C, h, w) (Gatys et al. 2015, eq. 3).

    Divided by h·w, so that pictures of different sizes are comparable.
    """
    flat = features.flatten(2)
    return flat @ flat.mT / flat.shape[-1]


def relative_error(value: Tensor, target: Tensor) -> Tensor:
    """‖value − target‖² / ‖target‖², over all elements; a scalar."""
    return (value - target).square().sum() / target.square().sum().clamp_min(1e-8)


def gram_loss(grams: Tensor, target: Tensor, scope: Scope) -> Tensor:
    """Relative style loss of one layer (Johnson et al. 2016, eq. 4): (B, C, C) against (C, C).

    Scope "image" compares every picture with the target: strong strokes, one palette everywhere.
    "batch" compares the mean over the batch: each picture keeps its own light and contrasts.
    "mixed" is the mean of both.
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
"""Side in pixels of the cells over which tones are averaged: strokes inside a cell stay free."""
PHOTO_TONE = (0.45, 0.25)
"""Mean and standard deviation of luma over photographs; they are mapped to those of the style."""


def tones(picture: Tensor) -> Tensor:
    """Coarse light and shade: mean luma (B, 1, H/8, W/8) of a picture (B, 3, H, W)."""
    weights = picture.new_tensor(LUMA).view(1, 3, 1, 1)
    return F.avg_pool2d((picture * weights).sum(dim=1, keepdim=True), TONE_CELL)


def tone_loss(painted: Tensor, source: Tensor, style_tone: tuple[float, float]) -> Tensor:
    """Mean squared error of the coarse tones, relative to the style's variance.

    The target is the source's tones, mapped to the mean and deviation of the style. Ours: a
    generator that sees little of a picture at a time can satisfy a Gram matrix with one middle
    tone everywhere; this loss keeps bright areas bright and dark ones dark.
    """
    mean, deviation = style_tone
    wanted = (tones(source) - PHOTO_TONE[0]) / PHOTO_TONE[1] * deviation + mean
    return (tones(painted) - wanted.clamp(0, 1)).square().mean() / deviation**2


def total_variation_loss(picture: Tensor) -> Tensor:
    """Mean squared difference of neighbouring pixels of (B, 3, H, W) (Johnson 2016, sec. 3.2)."""
    across = (picture[..., :, 1:] - picture[..., :, :-1]).square().mean()
    down = (picture[..., 1:, :] - picture[..., :-1, :]).square().mean()
    return across + down


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


def range_loss(picture: Tensor) -> Tensor:
    """Mean squared excess of values beyond 0..1, which the exported graph would clip."""
    return (picture - picture.clamp(0, 1)).square().mean()
