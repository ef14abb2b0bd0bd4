"""The perceptual losses, as pure functions of features and pictures.

Content, style and tone losses are relative to the strength of their target, so that a weight
means the same for every layer, size and style. objective.py applies weights and layers.
"""

from typing import Literal

import torch.nn.functional as F
from torch import Tensor

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


def range_loss(picture: Tensor) -> Tensor:
    """Mean squared excess of values beyond 0..1, which the exported graph would clip."""
    return (picture - picture.clamp(0, 1)).square().mean()
