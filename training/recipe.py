"""The recipe of a training: everything that decides its result, typed and checked once."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]

FINE_TUNE_IMAGES = 5_000
"""Enough from the shipped base: ten minutes on two cores with AVX-512."""


class Recipe(BaseModel):
    """What `stylecam train` was asked for; stored with every checkpoint.

    All losses are relative (1 is "as wrong as the target is strong"), so weight 1 of each is
    comparable whatever the layers. Sizes are pixels; `crop` is a training picture's side,
    `style_size` the longer side that the style picture is fitted to: larger paints larger
    strokes.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    style: str
    images: Path
    model_size: Literal["full", "small", "fast"] = "fast"
    alpha: Annotated[float, Field(gt=0, le=1)] = 1.0
    options: dict[str, int | float | str] = {}
    """Keyword arguments of the architecture, for searches."""

    base: str = ""
    """Fingerprint of the weights it is fine-tuned from; empty from scratch."""

    num_images: Annotated[int, Field(ge=1)] = 20_000
    batch_size: Annotated[int, Field(ge=1)] = 8
    crop: Annotated[int, Field(ge=64)] = 128
    style_size: Annotated[int, Field(ge=64)] = 448
    seed: int = 0

    content_weight: NotNegative = 1.0
    style_weight: NotNegative = 18.0
    tone_weight: NotNegative = 3.0
    tv_weight: NotNegative = 1.0
    range_weight: NotNegative = 10.0
    temporal_weight: NotNegative = 30.0
    style_loss: Literal["gram", "wasserstein"] = "gram"
    gram: Literal["image", "batch", "mixed"] = "mixed"
    """Scope of the style loss, of either kind: each picture, the batch's mean, half of each."""
    content_layers: tuple[str, ...] = ("relu3_3",)
    style_layers: tuple[str, ...] = ("relu1_2", "relu2_2", "relu3_3", "relu4_1")
    layer_weights: tuple[NotNegative, ...] = ()
    """Shares of the style layers, in their order; empty: all alike."""
    loss_network: Literal["vgg16", "vgg19", "vgg16-hed"] = "vgg16"
    pooling: Literal["max", "avg"] = "max"
    slim: bool = True

    lr: Positive = 2e-3
    warmup_steps: Annotated[int, Field(ge=0)] = 50
    decay_from: Annotated[float, Field(ge=0, le=1)] = 0.6
    """Share of the training after which the rate falls linearly to lr / 50."""
    freeze_norm_from: Annotated[float, Field(ge=0, le=1)] = 0.7
    """Share after which batch norm keeps its statistics: the rest trains what is exported."""
    patience: Annotated[int, Field(ge=0)] = 0
    """Images without a new low of the averaged loss after which the decay begins; 0: never."""
    max_gradient: Positive = 5.0
    ema: Annotated[float, Field(ge=0, lt=1)] = 0.998

    checkpoint_every: Annotated[int, Field(ge=1)] = 200
    preview_every: Annotated[int, Field(ge=1)] = 400

    @model_validator(mode="after")
    def _layers_and_weights_match(self) -> "Recipe":
        weights = self.layer_weights
        if weights and (len(weights) != len(self.style_layers) or not sum(weights)):
            raise ValueError("layer_weights: give one a style layer, not all zero")
        return self

    @property
    def steps(self) -> int:
        return -(-self.num_images // self.batch_size)

    def learning_rate(self, step: int, *, end: int | None = None) -> float:
        """The rate at a step, counted from 0: linear warm-up, plateau, linear decay to `end`."""
        end = end or self.steps
        warm = min(1.0, (step + 1) / max(1, self.warmup_steps))
        start = self.decay_from * end
        fallen = max(0.0, (step - start) / max(1.0, end - start))
        return self.lr * warm * (1 - 0.98 * min(1.0, fallen))
