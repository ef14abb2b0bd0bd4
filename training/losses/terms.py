"""The terms of the training loss, each a small object that holds its target and its weight.

objective.py has their list. A new loss needs its own function and term in a file beside this one,
an entry in that list, and a field of the recipe for its weight; nothing else changes.
"""

from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import Tensor

from training.config.recipe import Scope
from training.losses.perceptual import (
    content_loss,
    gram_loss,
    gram_matrix,
    range_loss,
    resized_mask,
    squared_error,
    total_variation_loss,
)
from training.losses.stability import stability_loss
from training.losses.style_target import StyleTarget
from training.losses.vgg import stride
from training.losses.wasserstein import gaussian, wasserstein_loss

Features = dict[str, Tensor]
"""Layer name to features (B, C, h, w), float32 or bfloat16."""
BORDER = 4


@dataclass(frozen=True)
class Seen:
    """What the loss terms see of one step.

    `painted`: the paintings (B, 3, H, W) float, about 0..1, of the photographs `source`. At each
    scale of the objective, `wanted` are the content features of the photographs and `features`
    those of the paintings; `faces` (B, 1, h, w) is 1 on a face, 0 elsewhere, None where they are
    unknown.
    `overlap`: what two paintings of overlapping windows have in common, (B, 3, h, w) twice.
    `progress`: share of the training that is done.
    """

    painted: Tensor
    source: Tensor
    wanted: list[Features] = field(default_factory=list)
    features: list[Features] = field(default_factory=list)
    faces: list[Tensor | None] = field(default_factory=list)
    overlap: tuple[Tensor, Tensor] | None = None
    progress: float = 1.0


class LossTerm(Protocol):
    """One term. `weight` 0 leaves it out of the list."""

    @property
    def name(self) -> str: ...

    @property
    def weight(self) -> float: ...

    def __call__(self, seen: Seen) -> Tensor:
        """The loss, a scalar, already times the weight."""
        ...


@dataclass(frozen=True)
class ContentTerm:
    """Keeps what the photograph shows, at each scale; on faces by `face_weight` more.
    The weight grows from `start` of it to all of it over the first part of a training, `ramp`:
    strokes are learned first, likeness is added to them."""

    weight: float
    layers: tuple[str, ...]
    start: float
    ramp: float
    relative: bool
    face_weight: float = 0.0
    name: str = "content"

    def __call__(self, seen: Seen) -> Tensor:
        losses = [
            content_loss(features[x], wanted[x], self._weights(mask), relative=self.relative)
            for mask, features, wanted in zip(seen.faces, seen.features, seen.wanted, strict=True)
            for x in self.layers
        ]
        grown = min(1.0, seen.progress / self.ramp) if self.ramp else 1.0
        weight = self.weight * (self.start + (1 - self.start) * grown)
        return torch.stack(losses).sum() * (weight / len(self.layers))

    def _weights(self, faces: Tensor | None) -> Tensor | float:
        return 1.0 if faces is None else 1 + self.face_weight * faces


@dataclass(frozen=True)
class StyleTerm:
    """Compares feature statistics with the style's: one target and one scope for each scale, coarse
    to fine, and one share by which what a face shows counts (none: all of it)."""

    weight: float
    layer_weights: dict[str, float]
    targets: list[StyleTarget]
    scopes: tuple[Scope, ...]
    relative: bool
    face_shares: tuple[float, ...] = ()
    name: str = "style"

    def __call__(self, seen: Seen) -> Tensor:
        shares = self.face_shares or (1.0,) * len(self.targets)
        losses = [
            weight
            * self._layer(
                _grams(features[x], target.grams[x], faces, share, border_of(x)),
                target.grams[x],
                scope,
            )
            for features, faces, share, target, scope in zip(
                seen.features, seen.faces, shares, self.targets, self.scopes, strict=True
            )
            for x, weight in self.layer_weights.items()
        ]
        return torch.stack(losses).sum() * self.weight

    def _layer(self, grams: Tensor, target: Tensor, scope: Scope) -> Tensor:
        if self.relative:
            return gram_loss(grams, target, scope)
        return squared_error(grams, target.expand_as(grams))


def border_of(layer: str) -> int:
    """How many of a layer's outermost features lie in the outer BORDER pixels, at least one. What
    they see is mostly the repeated border of the crop, and generators that had to paint it like the
    style left a tint along borders."""
    return max(1, BORDER // stride(layer))


def _grams(
    features: Tensor, target: Tensor, faces: Tensor | None, share: float, border: int
) -> Tensor:
    """Gram matrices (B, C, C) of what lies inside the border. A face adds only `share` of what it
    shows, and for the rest what the style asks for: so it is pulled towards the style that much
    less."""
    height, width = features.shape[2:]
    border = min(border, (min(height, width) - 1) // 2)
    inside = (..., slice(border, height - border), slice(border, width - border))
    if faces is None or share == 1:
        return gram_matrix(features[inside])
    shown = (1 - (1 - share) * resized_mask(faces, features))[inside]
    missing = 1 - shown.mean(dim=(2, 3))[..., None]  # (B, 1, 1)
    return gram_matrix(features[inside] * shown.sqrt().to(features.dtype)) + missing * target


class WassersteinTerm:
    """The same with the Wasserstein distance in place of Gram matrices."""

    name = "style"

    def __init__(
        self,
        weight: float,
        layer_weights: dict[str, float],
        targets: list[StyleTarget],
        scopes: tuple[Scope, ...],
    ) -> None:
        self.weight, self.layer_weights, self.scopes = weight, layer_weights, scopes
        self.gaussians = [
            {x: gaussian(target.means[x], target.grams[x]) for x in layer_weights}
            for target in targets
        ]

    def __call__(self, seen: Seen) -> Tensor:
        losses = [
            weight
            * wasserstein_loss(f[x].float().mean((2, 3)), gram_matrix(f[x]), target[x], scope)
            for f, target, scope in zip(seen.features, self.gaussians, self.scopes, strict=True)
            for x, weight in self.layer_weights.items()
        ]
        return torch.stack(losses).sum() * self.weight


@dataclass(frozen=True)
class TotalVariationTerm:
    weight: float
    relative: bool
    name: str = "tv"

    def __call__(self, seen: Seen) -> Tensor:
        return total_variation_loss(seen.painted, classic=not self.relative) * self.weight


@dataclass(frozen=True)
class RangeTerm:
    """Keeps the paintings within 0..1, where the exported graph would clip them."""

    weight: float
    name: str = "range"

    def __call__(self, seen: Seen) -> Tensor:
        return range_loss(seen.painted) * self.weight


@dataclass(frozen=True)
class StabilityTerm:
    """Steadiness under motion and noise. Only each `every`-th step has an overlap, so it
    counts that many times there."""

    weight: float
    every: int
    name: str = "stability"

    def __call__(self, seen: Seen) -> Tensor:
        if seen.overlap is None:
            return seen.painted.new_zeros(())
        return stability_loss(*seen.overlap) * (self.weight * self.every)
