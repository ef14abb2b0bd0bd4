"""The perceptual losses, as pure functions of features and pictures.

Each is relative to its target's own energy, so that weights mean the same at every layer,
size and style. Weights and layers are wrapped around them from outside (objective.py).
"""

from typing import Literal

from torch import Tensor

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
    it of the batch's mean: each picture keeps its own colours, strokes are weak. "mixed" is
    half of each.
    """
    per_image = relative_error(grams, target.expand_as(grams))
    if scope == "image":
        return per_image
    per_batch = relative_error(grams.mean(dim=0), target)
    return per_batch if scope == "batch" else (per_image + per_batch) / 2


def content_loss(features: Tensor, target: Tensor) -> Tensor:
    """Feature reconstruction (Johnson et al. 2016, eq. 2), relative to the target's energy."""
    return relative_error(features, target)


def total_variation_loss(picture: Tensor) -> Tensor:
    """Mean squared difference of neighbours (Johnson et al. 2016, sec. 3.2). (B, 3, H, W)."""
    across = (picture[..., :, 1:] - picture[..., :, :-1]).square().mean()
    down = (picture[..., 1:, :] - picture[..., :-1, :]).square().mean()
    return across + down


def range_loss(picture: Tensor) -> Tensor:
    """Mean square of what lies outside 0..1: the export clips, so training must not go there."""
    return (picture - picture.clamp(0, 1)).square().mean()
