"""The STROTSS objective: relaxed earth mover's distance and self-similarity (Kolkin et al. 2019).

A Gram matrix only knows which features occur together in the whole picture. Here each sampled
position of the painting is compared with the position of the style picture most like it, so
colours and strokes come from where they belong; content is kept as the pattern of likeness among
positions, which leaves the colours free.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from training.losses.tones.light import luma
from training.optimise.objective.distance import TINY, variation_sum
from training.optimise.objective.features import PaintFeatures
from training.optimise.objective.gram import Weights
from training.optimise.objective.layers import shares

SAMPLES = 1024
"""Positions compared in one iteration; the distances are a matrix of this size squared."""
LAYERS = ("relu1_1", "relu1_2", "relu2_1", "relu2_2", "relu3_1", "relu3_3", "relu4_2", "relu5_2")
"""Default layers of a hypercolumn, each of the same weight."""
CONTENT_GAIN = 100.0
"""Brings self-similarity, at the default content weight, to the size of the style terms."""


def default_layers(known: Sequence[str], depth: int | None = None) -> dict[str, float]:
    """Those of LAYERS that the network has, or only those of the first `depth` blocks."""
    layers = [x for x in LAYERS if x in known and (depth is None or int(x[4]) <= depth)]
    return dict.fromkeys(layers, 1.0)


def cosine_distances(x: Tensor, y: Tensor) -> Tensor:
    """(N, M) of rows (N, C) and (M, C): 0 for equal directions, 1 for perpendicular ones."""
    return 1 - F.normalize(x, dim=1) @ F.normalize(y, dim=1).mT


def relaxed_emd(distances: Tensor) -> Tensor:
    """The larger of both relaxations of the earth mover's distance (eq. 3) of (N, M) distances:

    every position to its nearest, in either direction."""
    return torch.maximum(distances.min(dim=1).values.mean(), distances.min(dim=0).values.mean())


def moment_distance(x: Tensor, y: Tensor) -> Tensor:
    """Mean absolute differences of the means and covariances of rows (N, C) (eq. 6)."""
    means = (x.mean(dim=0) - y.mean(dim=0)).abs().mean()
    return means + (torch.cov(x.mT) - torch.cov(y.mT)).abs().mean()


def self_similarity_distance(x: Tensor, y: Tensor) -> Tensor:
    """How differently the rows (N, C) resemble each other in x and in y (eq. 5); per row."""
    patterns = []
    for rows in (x, y):
        distances = cosine_distances(rows, rows)
        patterns.append(distances / (distances.sum(dim=0, keepdim=True) + TINY))
    return (patterns[0] - patterns[1]).abs().sum(dim=0).mean()


def palette_of(colours: Tensor) -> Tensor:
    """Colours (N, 3) RGB as luma, B − Y and R − Y."""
    light = luma(colours[:, :, None, None])[:, :, 0, 0]
    return torch.cat([light, colours[:, 2:] - light, colours[:, :1] - light], dim=1)


class RemdObjective:
    """The loss terms of a painting of `content`, and their gradient.

    `styles`: the pictures (1, 3, H, W) of each region with their weights, None where the
    photograph stays; `regions` (R, H, W) float 0..1 as in the Gram objective. Positions are drawn
    anew for each gradient; `terms` draws them once, so that L-BFGS sees one function.
    """

    def __init__(
        self,
        features: PaintFeatures,
        weights: Weights,
        content: Tensor,
        styles: Sequence[Sequence[tuple[Tensor, float]] | None],
        *,
        regions: Tensor | None = None,
        seed: int = 0,
    ) -> None:
        self._features, self._weights = features, weights
        self._generator = torch.Generator().manual_seed(seed)
        self._shape = (content.shape[2], content.shape[3])
        self._gains = dict.fromkeys(weights.style_layers, 1.0)
        everywhere = content.new_ones(1, *self._shape)
        self._regions = (everywhere if regions is None else regions).cpu()
        with torch.no_grad():
            self._gains = self._layer_gains(styles, content)
            self._content = self._layers_of(content)
            self._styles = [None if group is None else self._sampled(group) for group in styles]
        self._fixed: list[Tensor] | None = None

    def __call__(self, pixels: Tensor) -> tuple[dict[str, float], Tensor]:
        """The terms by name, and the gradient of their sum with respect to (1, 3, H, W)."""
        leaf = pixels.detach().requires_grad_()
        terms = self._terms(leaf, self._draw())
        (gradient,) = torch.autograd.grad(torch.stack(list(terms.values())).sum(), leaf)
        return {name: float(term.detach()) for name, term in terms.items()}, gradient

    def terms(self, pixels: Tensor) -> dict[str, Tensor]:
        """The terms at positions that stay the same from call to call."""
        if self._fixed is None:
            self._fixed = self._draw()
        return self._terms(pixels, self._fixed)

    def _terms(self, pixels: Tensor, positions: list[Tensor]) -> dict[str, Tensor]:
        weights, layers = self._weights, self._layers_of(pixels)
        zero = pixels.new_zeros(())
        content, style = zero, zero
        for places, mask, target in zip(positions, self._regions, self._styles, strict=True):
            share = float(mask.mean())
            painted = _columns(layers, places)
            kept = _columns(self._content, places)
            content = content + share * self_similarity_distance(painted, kept)
            if target is not None:
                style = style + share * self._style_term(painted, target)
        variation = variation_sum(pixels, *self._shape) / pixels.numel()
        return {
            "content": weights.content * CONTENT_GAIN * content,
            "style": weights.style * style,
            "tv": weights.variation * variation,
        }

    def _style_term(self, painted: Tensor, target: Tensor) -> Tensor:
        drawn = torch.randperm(len(target), generator=self._generator)[:SAMPLES]
        wanted = target[drawn.to(target.device)]
        strokes = relaxed_emd(cosine_distances(painted[:, 3:], wanted[:, 3:]))
        moments = moment_distance(painted[:, 3:], wanted[:, 3:])
        colours = torch.cdist(palette_of(painted[:, :3]), palette_of(wanted[:, :3]))
        return strokes + moments + relaxed_emd(colours)

    def _layers_of(self, picture: Tensor) -> dict[str, Tensor]:
        """The picture itself, then its features, each layer scaled to its share of a column."""
        found = self._features(picture, tuple(self._weights.style_layers))
        scaled = {x: values.to(picture) * self._gains[x] for x, values in found.items()}
        return {"picture": picture, **scaled}

    def _layer_gains(
        self, styles: Sequence[Sequence[tuple[Tensor, float]] | None], content: Tensor
    ) -> dict[str, float]:
        """Factors that make the mean squared length of each layer's features its weight."""
        like = next((group[0][0] for group in styles if group), content)
        found = self._features(like, tuple(self._weights.style_layers))
        return {
            layer: (share / (float(found[layer].float().square().sum(dim=1).mean()) + TINY)) ** 0.5
            for layer, share in shares(self._weights.style_layers).items()
        }

    def _sampled(self, group: Sequence[tuple[Tensor, float]]) -> Tensor:
        """Columns of the style pictures, of each as many as its weight says."""
        total = sum(weight for _, weight in group)
        columns = []
        for picture, weight in group:
            if count := round(4 * SAMPLES * weight / total):
                places = torch.rand(count, 2, generator=self._generator) * 2 - 1
                columns.append(_columns(self._layers_of(picture), places))
        return torch.cat(columns)

    def _draw(self) -> list[Tensor]:
        """Random positions (N, 2) in each region, in grid_sample's units."""
        height, width = self._shape
        drawn = []
        for mask in self._regions:
            chances = mask.flatten().clamp_min(1e-9)
            if chances.numel() > 2**24:  # more than multinomial takes
                spots = torch.randint(chances.numel(), (SAMPLES,), generator=self._generator)
            else:
                spots = torch.multinomial(
                    chances, SAMPLES, replacement=True, generator=self._generator
                )
            rows, columns = spots // width, spots % width
            drawn.append(
                torch.stack([(columns + 0.5) / width, (rows + 0.5) / height], dim=1) * 2 - 1
            )
        return drawn


def _columns(layers: dict[str, Tensor], places: Tensor) -> Tensor:
    """The hypercolumns (N, C) of all layers (1, c, h, w) at places (N, 2), bilinearly."""
    columns = []
    for values in layers.values():
        grid = places.to(values)[None, None]
        found = F.grid_sample(values, grid, padding_mode="border", align_corners=False)
        columns.append(found[0, :, 0].mT)
    return torch.cat(columns, dim=1)
