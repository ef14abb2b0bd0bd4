"""The whole objective of a training: which layers, which weights, one scalar to minimise."""

from dataclasses import dataclass

import torch
from torch import Tensor

from training.losses import (
    content_loss,
    gram_loss,
    gram_matrix,
    range_loss,
    tone_loss,
    tones,
    total_variation_loss,
)
from training.recipe import Recipe
from training.vgg import LossNetwork

SMALLEST_DEVIATION = 0.05
"""A style without light and shade would make the tone loss infinite."""


@dataclass(frozen=True)
class StyleTarget:
    """What the style asks for: layer name to Gram matrix (C, C), mean and deviation of luma."""

    grams: dict[str, Tensor]
    tone: tuple[float, float]


@torch.no_grad()
def style_target(
    network: LossNetwork, pictures: list[Tensor], weights: list[float], layers: tuple[str, ...]
) -> StyleTarget:
    """The weighted mean of the pictures' Gram matrices. Each picture (1, 3, H, W) float 0..1."""
    total = sum(weights)
    grams: dict[str, Tensor] = {}
    mean = deviation = 0.0
    for picture, weight in zip(pictures, weights, strict=True):
        light = tones(picture)
        mean += float(light.mean()) * weight / total
        deviation += float(light.std()) * weight / total
        for layer, features in network(picture, layers).items():
            share = gram_matrix(features)[0] * (weight / total)
            grams[layer] = grams[layer] + share if layer in grams else share
    return StyleTarget(grams, (mean, max(deviation, SMALLEST_DEVIATION)))


class Objective:
    """Weighs the losses of a batch as the recipe says."""

    def __init__(self, recipe: Recipe, network: LossNetwork, target: StyleTarget) -> None:
        self.recipe = recipe
        self.network = network
        self.target = target
        self.layers = tuple(dict.fromkeys(recipe.content_layers + recipe.style_layers))

    def __call__(self, source: Tensor, painted: Tensor) -> dict[str, Tensor]:
        """Each loss times its weight, by name. Both pictures (B, 3, H, W) float 0..1."""
        recipe = self.recipe
        with torch.no_grad():
            wanted = self.network(source, recipe.content_layers)
        features = self.network(painted, self.layers)
        content = torch.stack(
            [content_loss(features[x], wanted[x]) for x in recipe.content_layers]
        ).mean()
        style = torch.stack(
            [
                gram_loss(gram_matrix(features[x]), self.target.grams[x], recipe.gram)
                for x in recipe.style_layers
            ]
        ).mean()
        return {
            "content": content * recipe.content_weight,
            "style": style * recipe.style_weight,
            "tone": tone_loss(painted, source, self.target.tone) * recipe.tone_weight,
            "tv": total_variation_loss(painted) * recipe.tv_weight,
            "range": range_loss(painted) * recipe.range_weight,
        }
