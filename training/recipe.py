"""The recipe of a training: everything that decides its result, typed and checked once."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from training.precision import Precision

Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Side = Annotated[int, Field(ge=64)]

FINE_TUNE_IMAGES = 5_000
"""Enough from the shipped base: ten minutes on two cores with AVX-512."""

STYLE_SIDE = 448
"""Longer side of the style picture, in pixels, at scale 1; a smaller picture stays as it is."""

TAILS = {"linear": 0.5, "tail": 0.08}
"""Share of the training, at its end, that has the lower rate, by schedule."""

WHEN_WRITTEN = ("checkpoint_every", "preview_every")
"""Fields that change nothing of what is trained."""

OLDER: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "crop": ("image_size", lambda side: side),
    "style_size": ("style_scale", lambda side: side / STYLE_SIDE),
    "decay_from": ("tail", lambda share: round(1 - share, 9)),
    "freeze_norm_from": ("renorm_from", lambda share: share),
}
"""Fields of the recipes in older checkpoints: what they are called now, and mean."""

GONE = ("wallpaper_weight", "border_weight")
"""Fields of older recipes: of losses against a stripe along borders, which a wider margin ended."""


class Recipe(BaseModel):
    """What `stylecam train` was asked for; stored with every checkpoint.

    All losses are relative (1 is "as wrong as the target is strong"), so weight 1 of each is
    comparable whatever the layers. `images` are the sources of photographs, as given;
    `image_size` the height and width of a training picture, in pixels; `style_scale` the size of
    the style's patterns, 1 being that of the picture at STYLE_SIDE: larger paints larger strokes.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    style: str
    style_shares: tuple[NotNegative, ...] = ()
    """Of several style pictures; empty: all alike."""
    style_digest: str = ""
    """Of the style pictures as they are fitted; empty in older checkpoints."""
    images: Annotated[tuple[str, ...], Field(min_length=1)]
    model_size: Literal["full", "small", "fast"] = "fast"
    alpha: Annotated[float, Field(gt=0, le=1)] = 1.0
    options: dict[str, bool | int | float | str] = {}
    """Keyword arguments of the architecture, for searches."""

    base: str = ""
    """Fingerprint of the weights it is fine-tuned from; empty from scratch."""

    num_images: Annotated[int, Field(ge=1)] = 20_000
    batch_size: Annotated[int, Field(ge=1)] = 8
    image_size: tuple[Side, Side] = (128, 128)
    pool: Annotated[int, Field(ge=0)] = 0
    """Crops in a fixed pool, whose content features are kept; 0: fresh crops for ever."""
    style_scale: Annotated[float, Field(gt=0, le=4)] = 1.0
    style_fit: Literal["whole", "crop", "pad", "stretch"] = "whole"
    """How the style picture gets the shape of the crops; crop where they are not square."""
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0

    content_weight: NotNegative = 0.3
    style_weight: NotNegative = 22.0
    tone_weight: NotNegative = 0.5
    tv_weight: NotNegative = 1.0
    grid_weight: NotNegative = 20_000.0
    range_weight: NotNegative = 10.0
    temporal_weight: NotNegative = 300.0
    calm_weight: NotNegative = 100.0
    style_loss: Literal["wasserstein", "gram"] = "wasserstein"
    gram: Literal["image", "batch", "mixed"] = "mixed"
    """Scope of the style loss, of either kind: each picture, the batch's mean, half of each."""
    content_layers: tuple[str, ...] = ("relu3_3",)
    style_layers: tuple[str, ...] = ("relu1_2", "relu2_2", "relu3_3", "relu4_1")
    layer_weights: tuple[NotNegative, ...] = ()
    """Shares of the style layers, in their order; empty: all alike."""
    loss_network: Literal["vgg16", "vgg19", "vgg16-hed"] = "vgg16"
    pooling: Literal["max", "avg"] = "max"
    slim: bool = True
    precision: Precision = "auto"
    """What the loss network computes in."""

    lr: Positive = 2.5e-3
    warmup_steps: Annotated[int, Field(ge=0)] = 50
    schedule: Literal["linear", "tail"] = "linear"
    """What the tail is: a linear fall to lr / 50, or lr / 10 throughout (the classic one)."""
    tail: Share = TAILS["linear"]
    """Share of the training, at its end, that has the lower rate; of the schedule, see TAILS."""
    renorm_from: Share = 0.7
    """Share after which batch norm paints by its running statistics: the rest trains what is
    exported."""
    patience: Annotated[int, Field(ge=0)] = 0
    """Images without a new low of the averaged loss after which the decay begins; 0: never."""
    max_gradient: Positive = 5.0
    ema: Annotated[float, Field(ge=0, lt=1)] = 0.998

    checkpoint_every: Annotated[int, Field(ge=1)] = 200
    preview_every: Annotated[int, Field(ge=1)] = 400

    @model_validator(mode="before")
    @classmethod
    def _fill_in(cls, given: Any) -> Any:
        """Fields of older checkpoints by their new names, and defaults that hang on others."""
        if not isinstance(given, Mapping):
            return given
        fields = dict(given)
        for old, (new, meaning) in OLDER.items():
            if old in fields:
                fields[new] = meaning(fields.pop(old))
        for gone in GONE:
            fields.pop(gone, None)
        images = fields.get("images", ())
        fields["images"] = [images] if isinstance(images, str | Path) else images
        fields["images"] = tuple(map(str, fields["images"]))
        size = fields.get("image_size")
        if isinstance(size, int):
            size = fields["image_size"] = (size, size)
        if size and len(set(size)) > 1:
            fields.setdefault("style_fit", "crop")
        if fields.get("schedule") in TAILS:
            fields.setdefault("tail", TAILS[fields["schedule"]])
        return fields

    @model_validator(mode="after")
    def _layers_and_weights_match(self) -> "Recipe":
        weights = self.layer_weights
        if weights and (len(weights) != len(self.style_layers) or not sum(weights)):
            raise ValueError("layer_weights: give one a style layer, not all zero")
        return self

    def departures(self, stored: "Recipe") -> list[str]:
        """In what a training by this recipe would not go on as `stored` began: "key: stored, now
        this". What decides only when something is written down does not count."""
        ignored = set(WHEN_WRITTEN)
        if not stored.style_digest:
            ignored.add("style_digest")
        elif stored.style_digest == self.style_digest:
            ignored.add("style")  # the same picture, however its path was written
        before, now = stored.model_dump(exclude=ignored), self.model_dump(exclude=ignored)
        return [
            "style: another picture by that name"
            if key == "style_digest"
            else f"{key}: {before[key]}, now {now[key]}"
            for key in before
            if before[key] != now[key]
        ]

    @property
    def steps(self) -> int:
        return -(-self.num_images // self.batch_size)

    @property
    def tail_from(self) -> float:
        """Share of the training before the tail."""
        return 1 - self.tail

    def learning_rate(self, step: int, *, end: int | None = None) -> float:
        """The rate at a step, counted from 0: linear warm-up, plateau, and the tail to `end`."""
        end = end or self.steps
        warm = min(1.0, (step + 1) / max(1, self.warmup_steps))
        start = self.tail_from * end
        if self.schedule == "tail":
            return self.lr * warm * (0.1 if step >= start else 1.0)
        fallen = max(0.0, (step - start) / max(1.0, end - start))
        return self.lr * warm * (1 - 0.98 * min(1.0, fallen))
