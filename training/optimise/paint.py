"""Paints one picture by optimising its pixels (Gatys et al. 2016), coarse to fine.

Each scale is √2 times the one before and starts from its result; content and style pictures are
resized along, so the same layers paint first the large and then the small strokes. Knows no
files and no command line.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from models.errors import UsageError
from training.optimise.adam import PixelAdam
from training.optimise.colours import (
    grey,
    match_chroma,
    match_colours,
    match_tone,
    recolour,
)
from training.optimise.lbfgs import PixelLbfgs
from training.optimise.objective.features import PaintFeatures
from training.optimise.objective.gram import GramObjective, Weights, style_grams, style_lift
from training.optimise.objective.kept import KeptObjective, Objective, keep
from training.optimise.objective.layers import (
    check_layers,
    default_content_layers,
    default_style_layers,
)
from training.optimise.objective.remd import RemdObjective
from training.optimise.objective.remd import default_layers as remd_layers
from training.optimise.scales import Scale, fit, plan_scales, resized
from training.optimise.settings import PaintSettings

StyleGroup = list[tuple[Tensor, float]]

ENHANCED_LAYERS = 3
"""Style layers of the scale beyond the size: the fine ones."""


@dataclass(frozen=True)
class PaintProgress:
    """Reported after every iteration; `losses` are weighted, by name; `work` rises from 0 to 1.

    `picture()` is the picture as it is now in its final form, (1, 3, H, W) float 0..1.
    """

    iteration: int
    iterations: int
    size: tuple[int, int]
    losses: dict[str, float]
    work: float
    picture: Callable[[], Tensor]


class Descent(Protocol):
    """An optimiser of pixels. `begin` at each scale, or `go_on` in the middle of one; then `step`
    again and again. `picture` is the best so far; `cut` leaves out a margin of it."""

    @property
    def picture(self) -> Tensor: ...

    def cut(self, margin: int) -> None: ...
    def begin(self, objective: Any, shape: tuple[int, int], iterations: int) -> None: ...
    def go_on(self, objective: Any) -> None: ...
    def step(self) -> dict[str, float]: ...
    def state(self) -> dict[str, Any]: ...
    def load_state(self, state: dict[str, Any]) -> None: ...


class Painting:
    """A painting in the making.

    photo: (1, 3, H, W) float 0..1. styles: pictures of the same kind, mixed by the settings'
    shares; with `regions` (R, H, W) float 0..1, one for each region instead, where None keeps the
    photograph. `start`: what is painted over, if the settings' `initial` is "picture". `tile`:
    measure in parts of so many pixels. Raises UsageError for settings that do not fit together.
    """

    def __init__(
        self,
        photo: Tensor,
        styles: Sequence[Tensor | None],
        features: PaintFeatures,
        settings: PaintSettings,
        *,
        regions: Tensor | None = None,
        start: Tensor | None = None,
        tile: int | None = None,
    ) -> None:
        self._photo, self._features, self._settings = photo, features, settings
        self._regions, self._tile = regions, tile
        known = features.layers
        self._content_layers = settings.content_layers or default_content_layers(known)
        remd = settings.method == "remd"
        style_layers = remd_layers if remd else default_style_layers
        self._style_layers = settings.style_layers or style_layers(known, settings.depth)
        check_layers({**self._content_layers, **self._style_layers}, known)
        self._shares = settings.style_shares or (1.0,) * len(styles)
        if len(self._shares) != len(styles) or not sum(self._shares):
            raise UsageError(
                f"{len(styles)} styles, but {len(self._shares)} weights for them; "
                "give one for each, not all of them 0"
            )
        self._content, self._styles = self._coloured(styles)
        self.scales = plan_scales((photo.shape[2], photo.shape[3]), settings)
        self._lifts: dict[tuple[str, ...], list[float]] = {}
        self._number, self._done = 0, 0
        self._descent = self._make_descent(start)

    def _coloured(self, styles: Sequence[Tensor | None]) -> tuple[Tensor, list[Tensor | None]]:
        """Photograph and styles in the colours in which they are painted."""
        photo = self._photo
        if self._settings.colours == "luminance":
            content = grey(photo)
            return content, [x if x is None else match_tone(grey(x), content) for x in styles]
        if self._settings.colours == "histogram":
            return photo, [x if x is None else match_colours(x, photo) for x in styles]
        return photo, list(styles)

    def _make_descent(self, given: Tensor | None) -> Descent:
        settings, first = self._settings, self.scales[0]
        start = first.framed(self._content)
        generator = torch.Generator().manual_seed(settings.seed)
        if settings.initial == "picture":
            if given is None:
                raise UsageError("a picture is to be painted over, but none is given")
            start = first.framed(given)
        elif settings.initial != "content":
            noise = torch.randn(start.shape, generator=generator).to(start)
            known = zip(self._styles, self._shares, strict=True)
            like = max(
                ((x, share) for x, share in known if x is not None),
                key=lambda pair: pair[1],
                default=(start, 1.0),
            )[0]
            plain = settings.initial == "noise"
            start = (noise / 6 + 0.5).clamp(0, 1) if plain else match_colours(noise, like)
        start = start.to(self._features.devices[0])
        if settings.optimizer == "lbfgs":
            return PixelLbfgs(start)
        return PixelAdam(start, step_size=settings.step_size)

    @property
    def layers(self) -> tuple[str, ...]:
        """The layers whose features are needed."""
        return tuple(dict.fromkeys([*self._content_layers, *self._style_layers]))

    @property
    def iteration(self) -> int:
        """Iterations done so far, over all scales."""
        return sum(scale.iterations for scale in self.scales[: self._number]) + self._done

    @property
    def work(self) -> float:
        """Share of the work done, 0 to 1; larger scales are more work."""
        done = sum(scale.work for scale in self.scales[: self._number])
        if self._done:
            scale = self.scales[self._number]
            done += scale.work * self._done // scale.iterations
        return done / sum(scale.work for scale in self.scales)

    @property
    def size(self) -> tuple[int, int]:
        """(H, W) of the scale that is being painted, at the end of the last one."""
        return self.scales[min(self._number, len(self.scales) - 1)].shape

    def run(self, on_progress: Callable[[PaintProgress], None] = lambda _: None) -> Tensor:
        """Paint to the end; the result, (1, 3, H, W) float 0..1 at the settings' size.

        Raises TrainingError if the losses are not finite or run away; `picture` remains."""
        count = sum(scale.iterations for scale in self.scales)
        while self._number < len(self.scales):
            scale = self.scales[self._number]
            objective = self._seen_with_photograph(self.objective(scale), scale)
            if self._done:
                self._descent.go_on(objective)
            else:
                if self._number and not scale.margin:
                    self._descent.cut(self.scales[self._number - 1].margin)
                self._descent.begin(objective, scale.painted, scale.iterations)
            while self._done < scale.iterations:
                losses = self._descent.step()
                self._done += 1
                on_progress(
                    PaintProgress(
                        self.iteration, count, scale.shape, losses, self.work, self.picture
                    )
                )
            self._number, self._done = self._number + 1, 0
        return self.picture()

    def objective(self, scale: Scale) -> GramObjective | RemdObjective:
        """What is minimised at one scale."""
        device = self._features.devices[0]
        content = scale.framed(self._content).to(device)
        side = round(max(scale.shape) * self._settings.style_scale)
        pictures = [x if x is None else self._at_scale(x, side).to(device) for x in self._styles]
        groups, regions = self._grouped(pictures), self._regions
        if regions is not None:
            regions = scale.framed(regions[None])[0].to(device)
        weights = self.weights(scale)
        if self._settings.method == "remd":
            seed = self._settings.seed + self._number
            return RemdObjective(
                self._features, weights, content, groups, regions=regions, seed=seed
            )
        layers = tuple(weights.style_layers)
        grams = [
            x if x is None else style_grams(self._features, x, layers, tile=self._tile)
            for x in groups
        ]
        return GramObjective(
            self._features,
            weights,
            content,
            grams,
            lifts=self._lifts_for(weights.style_layers),
            regions=regions,
            tile=self._tile,
        )

    def _lifts_for(self, layers: Mapping[str, float]) -> list[float]:
        """The lift of each region's style; the same at every scale of these layers."""
        if (known := tuple(layers)) not in self._lifts:
            self._lifts[known] = [
                1.0 if x is None else style_lift(self._features, x, layers)
                for x in self._grouped(self._styles)
            ]
        return self._lifts[known]

    def _grouped(self, pictures: Sequence[Tensor | None]) -> list[StyleGroup | None]:
        """The style pictures of each region (None: the photograph), each with its share."""
        if self._regions is not None:
            return [None if x is None else [(x, 1.0)] for x in pictures]
        pairs = zip(pictures, self._shares, strict=True)
        return [[(x, share) for x, share in pairs if x is not None and share > 0]]

    def _kept(self, shape: tuple[int, int]) -> Tensor | None:
        """Where the photograph stays, (1, 1, H, W) float 0..1; None: nowhere."""
        numbers = [number for number, style in enumerate(self._styles) if style is None]
        if self._regions is None or not numbers:
            return None
        return resized(self._regions[None, numbers], shape).sum(dim=1, keepdim=True).clamp(0, 1)

    def _seen_with_photograph(self, objective: Objective, scale: Scale) -> Objective:
        if (kept := self._kept(scale.shape)) is None:
            return objective
        content, device = scale.framed(self._content), self._features.devices[0]
        return KeptObjective(objective, content.to(device), scale.framed(kept).to(device))

    def weights(self, scale: Scale) -> Weights:
        """The weights of the terms and layers at one scale."""
        settings, layers = self._settings, self._style_layers
        if scale.fine_only:
            layers = {x: layers[x] for x in sorted(layers)[:ENHANCED_LAYERS]}
        return Weights(
            content=settings.content_weight * (100 - settings.style_weight) / 50,
            style=settings.style_weight / 50,
            variation=settings.tv_weight,
            content_layers=self._content_layers,
            style_layers=layers,
        )

    def _at_scale(self, style: Tensor, side: int) -> Tensor:
        """The style picture, its longer side `side` pixels."""
        return resized(style, fit((style.shape[2], style.shape[3]), side)).clamp(0, 1)

    def picture(self) -> Tensor:
        """The painting as it is now, at its final size and in its final colours."""
        shape = fit((self._photo.shape[2], self._photo.shape[3]), self._settings.size)
        photo = resized(self._photo, shape).clamp(0, 1)
        # Of a scale that is not begun yet there is nothing but the result of the one before.
        scale = self.scales[max(0, self._number - (self._done == 0))]
        painted = scale.inside(self._descent.picture.detach()).to(photo.device)
        painted = resized(painted, shape).clamp(0, 1)
        if self._settings.colours == "luminance":
            painted = recolour(painted, photo)
        elif self._settings.colours == "histogram":
            painted = match_chroma(painted, photo)
        kept = self._kept(shape)
        return painted if kept is None else keep(painted, photo, kept.to(photo.device))

    def state(self) -> dict[str, Any]:
        """Everything that `load_state` needs to go on later."""
        return {"number": self._number, "done": self._done, "descent": self._descent.state()}

    def load_state(self, state: dict[str, Any]) -> None:
        """Go on where another painting with the same inputs was when it gave its state."""
        self._number, self._done = state["number"], state["done"]
        self._descent.load_state(state["descent"])
