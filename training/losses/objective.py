"""The objective of a training: the losses on the recipe's layers, times their weights."""

from dataclasses import dataclass

import torch
from torch import Tensor

from training.config.recipe import Recipe
from training.losses.grid import grid_loss
from training.losses.perceptual import (
    content_loss,
    gram_loss,
    gram_matrix,
    range_loss,
    tone_loss,
    tones,
    total_variation_loss,
)
from training.losses.vgg import LossNetwork
from training.losses.wasserstein import gaussian, wasserstein_loss
from training.runtime.precision import use_bf16

SMALLEST_DEVIATION = 0.05
"""Lower limit of the style's luma deviation: 0 would make the tone loss infinite."""


@dataclass(frozen=True)
class StyleTarget:
    """Statistics of the style: layer name to Gram matrix (C, C) and to mean (C,) of its features.

    `tone`: mean and standard deviation of luma."""

    grams: dict[str, Tensor]
    means: dict[str, Tensor]
    tone: tuple[float, float]


@torch.no_grad()
def style_target(
    network: LossNetwork, pictures: list[Tensor], weights: list[float], layers: tuple[str, ...]
) -> StyleTarget:
    """The weighted mean of the pictures' statistics; each picture is (1, 3, H, W) float 0..1."""
    total = sum(weights)
    grams: dict[str, Tensor] = {}
    means: dict[str, Tensor] = {}
    mean = deviation = 0.0
    for picture, weight in zip(pictures, weights, strict=True):
        light = tones(picture)
        mean += float(light.mean()) * weight / total
        deviation += float(light.std()) * weight / total
        for layer, features in network(picture.to(network.device), layers).items():
            gram = gram_matrix(features)[0] * (weight / total)
            grams[layer] = grams[layer] + gram if layer in grams else gram
            centre = features.mean(dim=(0, 2, 3)) * (weight / total)
            means[layer] = means[layer] + centre if layer in means else centre
    return StyleTarget(grams, means, (mean, max(deviation, SMALLEST_DEVIATION)))


class Objective:
    """The losses of a batch, weighted as the recipe says."""

    def __init__(self, recipe: Recipe, network: LossNetwork, target: StyleTarget) -> None:
        self.recipe = recipe
        self.network = network
        self.target = target
        self.device = network.device
        self.use_bf16 = use_bf16(recipe.precision, self.device)
        self.layers = tuple(dict.fromkeys(recipe.content_layers + recipe.style_layers))
        weights = torch.tensor(recipe.layer_weights or (1.0,) * len(recipe.style_layers))
        self.shares = (weights / weights.sum()).to(self.device)
        self.gaussians = (
            {x: gaussian(target.means[x], target.grams[x]) for x in recipe.style_layers}
            if recipe.style_loss == "wasserstein"
            else {}
        )

    def __call__(self, source: Tensor, painted: Tensor) -> dict[str, Tensor]:
        """Each loss times its weight, by name. Both pictures (B, 3, H, W) float 0..1."""
        return self.against(self.content_target(source), source, painted)

    @torch.no_grad()
    def content_target(self, source: Tensor) -> dict[str, Tensor]:
        """The content features that the painting of `source` should keep, by layer name."""
        return self._features(source.to(self.device), self.recipe.content_layers)

    def against(
        self, wanted: dict[str, Tensor], source: Tensor, painted: Tensor
    ) -> dict[str, Tensor]:
        """The same losses, with an already known content target `wanted` of `source`."""
        recipe = self.recipe
        features = self._features(painted, self.layers)
        content = torch.stack(
            [content_loss(features[x], wanted[x]) for x in recipe.content_layers]
        ).mean()
        errors = torch.stack([self._style_error(x, features[x]) for x in recipe.style_layers])
        style = (errors * self.shares).sum()
        return {
            "content": content * recipe.content_weight,
            "style": style * recipe.style_weight,
            "tone": tone_loss(painted, source, self.target.tone) * recipe.tone_weight,
            "tv": total_variation_loss(painted) * recipe.tv_weight,
            "grid": grid_loss(painted) * recipe.grid_weight,
            "range": range_loss(painted) * recipe.range_weight,
        }

    def _features(self, pictures: Tensor, layers: tuple[str, ...]) -> dict[str, Tensor]:
        """Features by layer, always in float32: squares of bfloat16 values would be too coarse."""
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.use_bf16):
            features = self.network(pictures, layers)
        return {layer: values.float() for layer, values in features.items()}

    def _style_error(self, layer: str, features: Tensor) -> Tensor:
        grams, scope = gram_matrix(features), self.recipe.gram
        if self.recipe.style_loss == "wasserstein":
            means = features.mean(dim=(2, 3))
            return wasserstein_loss(means, grams, self.gaussians[layer], scope)
        return gram_loss(grams, self.target.grams[layer], scope)
