"""The objective of a training: what the loss network sees of a step, and the sum of the terms.

Each crop is painted once and seen three times: at a quarter of the size and at half size, against
the style picture at that size, for large shapes and for light and shade, and at full size against
the style picture at full size, for strokes. By the painting's light only a quarter of the crop is
seen at full size, which costs little more than half as much.
"""

from dataclasses import dataclass
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from training.config.recipe import Recipe, Scope
from training.losses.style_target import StyleTarget, style_target
from training.losses.terms import (
    ContentTerm,
    Features,
    LossTerm,
    RangeTerm,
    Seen,
    StabilityTerm,
    StyleTerm,
    TotalVariationTerm,
    WassersteinTerm,
)
from training.losses.tones.light import Light, LightTerm, light_of
from training.losses.tones.outline import OutlineTerm
from training.losses.tones.palette import ColourTerm, Palette, palette_of
from training.losses.vgg import LossNetwork
from training.runtime.precision import use_bf16

Corner = tuple[int, int]
"""Top and left, in pixels, of the part that is seen at full size."""


class TrainingObjective(Protocol):
    """What a training minimises: see Objective."""

    recipe: Recipe
    device: torch.device

    def __call__(
        self,
        source: Tensor,
        painted: Tensor,
        *,
        window: Tensor,
        corner: Corner,
        faces: Tensor | None,
        overlap: tuple[Tensor, Tensor] | None,
        progress: float,
    ) -> dict[str, Tensor]: ...


@dataclass(frozen=True)
class Views:
    """How the losses compare the views of a crop, coarse to fine: `scopes` of the style loss on the
    reduced ones (at full size it is the recipe's); content counts alike on all. `part`: share of
    the crop's sides that is seen at full size.
    """

    scopes: tuple[Scope, ...]
    part: float


FEWER_VIEWS = {1: Views((), part=1.0), 2: Views(("image",), part=0.5)}
"""With one scale and with two."""
THREE_VIEWS = {
    "photograph": Views(("batch", "batch"), part=1.0),
    "painting": Views(("batch", "mixed"), part=0.5),
}
"""With three scales, by whose light and shade the paintings have. At a quarter of the size light,
shade and colour are what is left: a photograph keeps its own, and a batch of them together has the
painting's. With the photograph's light that goes for half size, too: a dark coat stays darker than
the wall behind it, and each whole crop has the painting's strokes. With the painting's light, every
crop has its contrasts: panes of glass are dark and bright side by side, whatever they show."""


def views_of(recipe: Recipe) -> Views:
    return THREE_VIEWS[recipe.light] if recipe.scales == 3 else FEWER_VIEWS[recipe.scales]


def face_shares(recipe: Recipe) -> tuple[float, ...]:
    """How much of the style loss counts on a face at each scale, coarse to fine: all of it on the
    coarsest, which holds light and colours, and `face_style` at full size, which holds strokes."""
    steps = max(1, recipe.scales - 1)
    finer = [recipe.face_style ** (step / steps) for step in range(steps + 1)]
    return tuple(finer[-recipe.scales :])


def reduced(picture: Tensor, count: int) -> list[Tensor]:
    """`picture` (B, C, H, W) at 1/2^count of its size, and so on up to half size."""
    return [F.avg_pool2d(picture, 2**power) for power in range(count, 0, -1)]


def part_size(recipe: Recipe, height: int, width: int) -> tuple[int, int]:
    """Height and width of the part of a crop that is seen at full size."""
    part = views_of(recipe).part
    return round(height * part), round(width * part)


def part_at_full_size(recipe: Recipe, picture: Tensor, corner: Corner) -> Tensor:
    """The part of a picture (B, C, H, W) that is seen at full size."""
    top, left = corner
    height, width = part_size(recipe, picture.shape[-2], picture.shape[-1])
    return picture[..., top : top + height, left : left + width]


def loss_terms(
    recipe: Recipe, targets: list[StyleTarget], light: Light, palette: Palette
) -> list[LossTerm]:
    """Every term of the recipe's loss whose weight is not 0. `targets`: one for each scale;
    `light` and `palette`: the style pictures'."""
    views = views_of(recipe)
    scopes = (*views.scopes, recipe.scope)
    relative = recipe.loss_units == "relative"
    layers = recipe.weights_of_layers
    light = light.times(recipe.light_contrast)
    style: LossTerm
    if recipe.style_loss == "wasserstein":
        style = WassersteinTerm(recipe.style_weight, layers, targets, scopes)
    else:
        style = StyleTerm(
            recipe.style_weight, layers, targets, scopes, relative, face_shares(recipe)
        )
    content = ContentTerm(
        recipe.content_weight,
        recipe.content_layers,
        recipe.content_start,
        recipe.content_ramp,
        relative,
        face_weight=recipe.face_weight,
    )
    terms: list[LossTerm] = [
        content,
        style,
        LightTerm(recipe.light_weight, light),
        OutlineTerm(recipe.outline_weight, light),
        ColourTerm(recipe.colour_weight, palette),
        TotalVariationTerm(recipe.tv_weight, relative),
        RangeTerm(recipe.range_weight),
        StabilityTerm(recipe.temporal_weight, recipe.stability_every),
    ]
    return [term for term in terms if term.weight]


def in_precision(network: LossNetwork, recipe: Recipe) -> LossNetwork:
    """The loss network in the precision of the recipe."""
    return network.in_bf16() if use_bf16(recipe.precision, network.device) else network


class Objective:
    """The losses of a batch: the sum of `terms`, which compare features of the recipe's layers."""

    def __init__(self, recipe: Recipe, network: LossNetwork, terms: list[LossTerm]) -> None:
        self.recipe = recipe
        self.device = network.device
        self.network = in_precision(network, recipe)
        self.layers = tuple(dict.fromkeys(recipe.content_layers + recipe.style_layers))
        self.terms = terms

    def __call__(
        self,
        source: Tensor,
        painted: Tensor,
        *,
        window: Tensor | None = None,
        corner: Corner = (0, 0),
        faces: Tensor | None = None,
        overlap: tuple[Tensor, Tensor] | None = None,
        progress: float = 1.0,
    ) -> dict[str, Tensor]:
        """Each term by name. Photographs and paintings (B, 3, H, W) float 0..1; `faces`
        (B, 1, H, W): 1 on a face. `window`, what they were painted from, is not looked at."""
        source = source.to(self.device)
        with torch.no_grad():
            wanted = [
                self._features(view, self.recipe.content_layers)
                for view in self._views(source, corner)
            ]
        features = [self._features(view, self.layers) for view in self._views(painted, corner)]
        masks: list[Tensor | None] = [None] * len(features)
        if faces is not None:
            masks = [*self._views(faces, corner)]
        seen = Seen(painted, source, wanted, features, masks, overlap, progress)
        return {term.name: term(seen) for term in self.terms}

    def _views(self, picture: Tensor, corner: Corner) -> list[Tensor]:
        """What the loss network sees of a picture, scale by scale."""
        return [
            *reduced(picture, self.recipe.scales - 1),
            part_at_full_size(self.recipe, picture, corner),
        ]

    def _features(self, pictures: Tensor, layers: tuple[str, ...]) -> Features:
        return self.network(pictures.contiguous(memory_format=torch.channels_last), layers)


def objective_for(
    recipe: Recipe, network: LossNetwork, styles: list[Tensor], shares: list[float]
) -> Objective:
    """The objective for style pictures (1, 3, H, W) float 0..1 with these shares."""
    views = [[*reduced(style, recipe.scales - 1), style] for style in styles]
    scales = [list(of_one_scale) for of_one_scale in zip(*views, strict=True)]
    targets = [style_target(network, x, shares, recipe.style_layers) for x in scales]
    light, palette = light_of(styles, shares), palette_of(styles, shares)
    return Objective(recipe, network, loss_terms(recipe, targets, light, palette))
