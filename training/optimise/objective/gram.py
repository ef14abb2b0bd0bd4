"""The Gram objective: content by features, style by Gram matrices, and total variation.

Everything that it needs of a picture are sums over positions. A picture that is too large is
therefore measured in parts: once for the sums, then again for the gradient of the losses of
these sums. The result is that of the whole picture, for the memory of one part.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from training.losses.perceptual import gram_matrix
from training.losses.vgg import stride
from training.optimise.objective.distance import error_sums, normalised_error, variation_sum
from training.optimise.objective.features import PaintFeatures, device_of, noise_picture
from training.optimise.objective.layers import reach, shares
from training.optimise.objective.tiles import Part, parts_of
from training.optimise.scales import fit, resized

Sums = dict[str, Tensor]

PALE = 0.55
"""Strength below which a style is lifted, as a share of that of noise: a little above those of The
Starry Night and The Scream (0.53 and 0.46), far above that of Monet's Poppy Field (0.18)."""
STEEPER = 1.25
"""Power of the lift: at 1 Poppy Field's last Gram matrices (relu4_1) still stayed behind."""
LARGEST_LIFT = 4.0
"""A picture of one even colour has next to no strength, and shall not outweigh all else."""
COMPARED_SIDE = 256
"""Longer side of the style pictures whose strengths are compared: detail adds to it, so at its own
size a picture would be the weaker, the more pixels it has."""


@dataclass(frozen=True)
class Weights:
    """Weights of the terms, and of the layers within content and style."""

    content: float
    style: float
    variation: float
    content_layers: Mapping[str, float]
    style_layers: Mapping[str, float]

    @property
    def layers(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys([*self.content_layers, *self.style_layers]))


def gram_sum(features: Tensor, mask: Tensor | None = None) -> Tensor:
    """Σ f·fᵀ over the positions of (1, C, h, w), weighted by a mask (h, w) if there is one.

    (C, C) float32, also of bfloat16 features."""
    if mask is not None:
        features = features * mask.sqrt().to(features.dtype)
    return gram_matrix(features)[0] * (features.shape[2] * features.shape[3])


@torch.no_grad()
def style_grams(
    features: PaintFeatures,
    styles: Sequence[tuple[Tensor, float]],
    layers: Sequence[str],
    *,
    tile: int | None = None,
) -> dict[str, Tensor]:
    """The weighted mean of the Gram matrices of pictures (1, 3, H, W), by layer.

    Divided by the positions, that is the elements of a channel: pictures of all sizes compare.
    `tile`: take the pictures in parts of so many pixels; None: at once.
    """
    total = sum(weight for _, weight in styles)
    grams: dict[str, Tensor] = {}
    for picture, weight in styles:
        shape = (picture.shape[2], picture.shape[3])
        positions = {x: -(-shape[0] // stride(x)) * -(-shape[1] // stride(x)) for x in layers}
        for part in parts_of(shape, tile, reach(layers, features.layers)):
            for layer, values in features(part.view(picture), layers).items():
                own = part.own_of(values, stride(layer))
                gram = gram_sum(own) * (weight / total / positions[layer])
                grams[layer] = grams[layer] + gram if layer in grams else gram
    return grams


def strength(grams: Mapping[str, Tensor], layers: Mapping[str, float]) -> float:
    """How large the error of a style is while nothing agrees with it: the root mean square of its
    Gram matrices by layer, by the layers' shares."""
    parts = [share * float(grams[x].square().mean().sqrt()) for x, share in shares(layers).items()]
    return sum(parts)


def style_lift(
    features: PaintFeatures,
    styles: Sequence[tuple[Tensor, float]],
    layers: Mapping[str, float],
) -> float:
    """The factor, 1 or more, that makes the error of a pale style as large as a usual one's, and
    of a very pale one larger.

    The Gram matrices of a pale, even painting are weak, and so are its errors: at equal weights
    the content would win against it. Strong styles stay as they are. `styles` as in `style_grams`.
    """
    noise = noise_picture().to(features.devices[0])
    small = []
    for picture, weight in styles:
        shape = fit((picture.shape[2], picture.shape[3]), COMPARED_SIDE)
        small.append((resized(picture, shape).clamp(0, 1).to(noise), weight))
    own, noisy = (
        strength(style_grams(features, x, tuple(layers)), layers) for x in (small, [(noise, 1.0)])
    )
    return min(max(1.0, (PALE * noisy / own) ** STEEPER), LARGEST_LIFT) if own > 0 else LARGEST_LIFT


class GramObjective:
    """The loss terms of a painting of `content`, and their gradient.

    `styles`: a Gram matrix by layer, one dictionary for each region; `regions` (R, H, W) float
    0..1 tells where each of them counts (None: there is one, everywhere). A region without a
    style (None) has no style loss. `lifts`: a factor of each region's style loss, all 1 unless
    given. `tile`: measure in parts of so many pixels; None: at once.
    """

    def __init__(
        self,
        features: PaintFeatures,
        weights: Weights,
        content: Tensor,
        styles: Sequence[dict[str, Tensor] | None],
        *,
        lifts: Sequence[float] = (),
        regions: Tensor | None = None,
        tile: int | None = None,
    ) -> None:
        self._features, self._weights, self._styles = features, weights, styles
        self._device, self._values = content.device, content.numel()
        shape = (content.shape[2], content.shape[3])
        self.parts = parts_of(shape, tile, reach(weights.layers, features.layers))
        known = zip(styles, lifts or [1.0] * len(styles), strict=True)
        self._lifts = {
            number: lift for number, (style, lift) in enumerate(known) if style is not None
        }
        if regions is None:
            regions = content.new_ones(1, *shape)
        self._areas = regions.mean(dim=(1, 2)).tolist()
        self._content = [self._content_of(part, content) for part in self.parts]
        self._masks = [self._masks_of(part, regions) for part in self.parts]
        self._positions = {
            layer: torch.stack([masks[layer].sum(dim=(1, 2)) for masks in self._masks]).sum(dim=0)
            for layer in weights.style_layers
        }

    @torch.no_grad()
    def _content_of(self, part: Part, content: Tensor) -> dict[str, Tensor]:
        layers = tuple(self._weights.content_layers)
        features = self._features(part.view(content), layers)
        return {x: part.own_of(values, stride(x)).clone() for x, values in features.items()}

    def _masks_of(self, part: Part, regions: Tensor) -> dict[str, Tensor]:
        """The regions (R, h, w) at the positions of each style layer."""
        masks = {}
        for layer in self._weights.style_layers:
            coarse = F.avg_pool2d(part.view(regions)[None], stride(layer), ceil_mode=True)[0]
            device = device_of(layer, self._features.devices)
            masks[layer] = part.own_of(coarse, stride(layer)).to(device)
        return masks

    def __call__(self, pixels: Tensor) -> tuple[dict[str, float], Tensor]:
        """The terms by name, and the gradient of their sum with respect to (1, 3, H, W)."""
        if len(self.parts) == 1:
            leaf = pixels.detach().requires_grad_()
            terms = self.terms(leaf)
            (gradient,) = torch.autograd.grad(torch.stack(list(terms.values())).sum(), leaf)
        else:
            terms, gradient = self._in_parts(pixels.detach())
        return {name: float(term.detach()) for name, term in terms.items()}, gradient

    def terms(self, pixels: Tensor) -> dict[str, Tensor]:
        """The terms of the whole picture, differentiable; only where there is one part."""
        assert len(self.parts) == 1
        return self._losses(self._sums(0, pixels))

    def _in_parts(self, pixels: Tensor) -> tuple[dict[str, Tensor], Tensor]:
        total: Sums = {}
        with torch.no_grad():
            for number, part in enumerate(self.parts):
                for name, value in self._sums(number, part.view(pixels)).items():
                    total[name] = total[name] + value if name in total else value
        leaves = {name: value.requires_grad_() for name, value in total.items()}
        terms = self._losses(leaves)
        loss = torch.stack(list(terms.values())).sum()
        found = torch.autograd.grad(loss, list(leaves.values()), allow_unused=True)
        slopes = {
            name: slope for name, slope in zip(leaves, found, strict=True) if slope is not None
        }
        gradient = torch.zeros_like(pixels)
        for number, part in enumerate(self.parts):
            seen = part.view(pixels).clone().requires_grad_()
            sums = self._sums(number, seen)
            pulls = [(slope * sums[name]).sum().to(pixels.device) for name, slope in slopes.items()]
            part.view(gradient).add_(torch.autograd.grad(torch.stack(pulls).sum(), seen)[0])
        return terms, gradient

    def _sums(self, number: int, seen: Tensor) -> Sums:
        """The sums of one part over its own positions."""
        part, weights = self.parts[number], self._weights
        features = self._features(seen, weights.layers)
        own = {layer: part.own_of(values, stride(layer)) for layer, values in features.items()}
        sums: Sums = {"variation": variation_sum(*part.with_neighbours(seen))}
        for layer in weights.content_layers:
            squares, absolutes = error_sums(own[layer], self._content[number][layer])
            sums |= {f"content {layer} squares": squares, f"content {layer} absolutes": absolutes}
        for layer in weights.style_layers:
            for region in self._lifts:
                mask = self._masks[number][layer][region] if len(self._styles) > 1 else None
                sums[f"gram {layer} {region}"] = gram_sum(own[layer], mask)
        return sums

    def _losses(self, sums: Sums) -> dict[str, Tensor]:
        weights = self._weights
        zero = torch.zeros((), device=self._device)
        content, style = zero, zero
        for layer, share in shares(weights.content_layers).items():
            squares, absolutes = (sums[f"content {layer} {x}"] for x in ("squares", "absolutes"))
            content = content + share * normalised_error(squares, absolutes).to(self._device)
        for layer, share in shares(weights.style_layers).items():
            for region, lift in self._lifts.items():
                target = self._styles[region]
                assert target is not None
                positions = self._positions[layer][region].clamp_min(1)
                gram = sums[f"gram {layer} {region}"] / positions
                error = normalised_error(*error_sums(gram, target[layer])).to(self._device)
                style = style + share * self._areas[region] * lift * error
        return {
            "content": weights.content * content,
            "style": weights.style * style,
            "tv": weights.variation * sums["variation"] / self._values,
        }
