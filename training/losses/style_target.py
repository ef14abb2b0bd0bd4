"""What the style losses compare with: statistics of one style picture, or of several."""

from dataclasses import dataclass

import torch
from torch import Tensor

from training.losses.perceptual import gram_matrix
from training.losses.vgg import LossNetwork


@dataclass(frozen=True)
class StyleTarget:
    """Layer name to Gram matrix (C, C) and to mean (C,) of the style's features."""

    grams: dict[str, Tensor]
    means: dict[str, Tensor]


@torch.no_grad()
def style_target(
    network: LossNetwork, pictures: list[Tensor], weights: list[float], layers: tuple[str, ...]
) -> StyleTarget:
    """The weighted mean of the pictures' statistics; each picture is (1, 3, H, W) float 0..1."""
    total = sum(weights)
    grams: dict[str, Tensor] = {}
    means: dict[str, Tensor] = {}
    for picture, weight in zip(pictures, weights, strict=True):
        for layer, features in network(picture.to(network.device), layers).items():
            gram = gram_matrix(features)[0] * (weight / total)
            grams[layer] = grams[layer] + gram if layer in grams else gram
            centre = features.mean(dim=(0, 2, 3)) * (weight / total)
            means[layer] = means[layer] + centre if layer in means else centre
    return StyleTarget(grams, means)
