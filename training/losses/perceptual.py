"""The perceptual losses, as pure functions of features and pictures.

Content and style losses are relative to the strength of their target, so that a weight means the
same for every layer, size and style; the absolute ones are those of the classic recipes. terms.py
applies weights and layers.
"""

from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor

from training.config.recipe import Scope


def gram_matrix(features: Tensor) -> Tensor:
    """Channel correlations (B, C, C) of features (B, C, h, w) (Gatys et al. 2015, eq. 3).

    Divided by h·w, so that pictures of different sizes are comparable. float32, also of bfloat16
    features; their gradient has the features' type and is channels last in memory.
    """
    return cast(Tensor, _Gram.apply(features))


class _Gram(torch.autograd.Function):
    """Written out because autograd's own gradient of flat.mT @ flat takes two products, one for
    each factor, although the two are equal up to a transposition."""

    @staticmethod
    def forward(ctx: Any, features: Tensor) -> Tensor:
        flat = features.permute(0, 2, 3, 1).flatten(1, 2)  # (B, h·w, C)
        ctx.save_for_backward(flat)
        ctx.size = features.shape[2:]
        # One by one: for a batch of one, the product of a batch takes up to 15 times as long.
        return torch.stack([one.mT @ one for one in flat]).float() / flat.shape[1]

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        (flat,) = ctx.saved_tensors
        both = (gradient + gradient.mT) / flat.shape[1]
        product: Tensor = flat @ both.to(flat.dtype)
        return product.unflatten(1, ctx.size).permute(0, 3, 1, 2)


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


def squared_error(value: Tensor, target: Tensor) -> Tensor:
    """Mean squared error over all elements: the absolute form of the losses."""
    return (value - target).square().mean()


LEAST_ENERGY = 0.3
"""Of a batch's mean energy: a dark photograph's features are weak, and its relative error would
outweigh all others."""


def resized_mask(mask: Tensor, features: Tensor) -> Tensor:
    """A mask (B, 1, H, W) averaged to the positions of features (B, C, h, w): (B, 1, h, w)."""
    return F.adaptive_avg_pool2d(mask, (features.shape[2], features.shape[3]))


def content_loss(
    features: Tensor, target: Tensor, weights: Tensor | float = 1.0, *, relative: bool = True
) -> Tensor:
    """Feature reconstruction (Johnson et al. 2016, eq. 2), (B, C, h, w) against the same.

    Relative: each picture's error divided by its target's energy; the mean over the batch.
    `weights`: of the positions, (B, 1, H, W) of any size, or one for all.
    """
    features, target = features.float(), target.float()
    errors = (features - target).square()
    if isinstance(weights, Tensor):
        errors = errors * resized_mask(weights, errors)
    else:
        errors = errors * weights
    if not relative:
        return errors.mean()
    energies = target.square().mean(dim=(1, 2, 3))
    energies = torch.maximum(energies, LEAST_ENERGY * energies.mean()).clamp_min(1e-8)
    return (errors.mean(dim=(1, 2, 3)) / energies).mean()


def total_variation_loss(picture: Tensor, *, classic: bool = False) -> Tensor:
    """Total variation of (B, 3, H, W) float 0..1 (Johnson et al. 2016, sec. 3.2).

    The mean squared difference of neighbouring pixels; the `classic` form, of values 0..255, is the
    sum over a picture of (across² + down²)^1.25, the mean over the batch.
    """
    across = (picture[..., :, 1:] - picture[..., :, :-1]).square()
    down = (picture[..., 1:, :] - picture[..., :-1, :]).square()
    if not classic:
        return across.mean() + down.mean()
    both = (across[..., :-1, :] + down[..., :, :-1]) * 255**2
    return both.clamp_min(1e-6).pow(1.25).sum(dim=(1, 2, 3)).mean()


def range_loss(picture: Tensor) -> Tensor:
    """Mean squared excess of values beyond 0..1, which the exported graph would clip."""
    return (picture - picture.clamp(0, 1)).square().mean()
