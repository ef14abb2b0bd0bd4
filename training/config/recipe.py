"""The recipe of a training: everything that decides its result, typed and checked once."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from models.generator.architecture import MODEL_SIZES, Architecture
from models.preparation import Preparation
from training.runtime.precision import Precision

Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Side = Annotated[int, Field(ge=64, le=1024)]
Scope = Literal["image", "batch", "mixed"]
"""What a style loss compares with the target: each picture, a batch's mean, or half of each."""

FINE_TUNE_IMAGES = 4_000
"""Enough from the shipped base: ten minutes on one core with AVX-512."""

TAUGHT_IMAGES = 5_000
"""Enough by a teacher: ten minutes on one core with AVX-512."""

STYLE_SIDE = 448
"""Longer side of the style picture, in pixels, at scale 1; a smaller picture stays as it is."""

TAILS = {"linear": 0.5, "tail": 0.08}
"""Schedule to the share of the training, at its end, that has the lower rate."""

OUTPUT_FIELDS = ("checkpoint_every", "preview_every", "family")
"""Fields that do not affect the trained weights."""

RENAMED_FIELDS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "crop": ("image_size", lambda side: side),
    "style_size": ("style_scale", lambda side: side / STYLE_SIDE),
    "decay_from": ("tail", lambda share: round(1 - share, 9)),
    "freeze_norm_from": ("renorm_from", lambda share: share),
    "two_scales": ("scales", lambda two: 2 if two else 1),
}
"""Fields of recipes in older checkpoints: old name to the new name and a conversion."""

REMOVED_FIELDS = (
    "wallpaper_weight",
    "border_weight",
    "tone_weight",
    "grid_weight",
    "calm_weight",
    "pool",
)
"""Fields of older recipes that are ignored: weights of losses against a stripe along borders.
A wider margin made those losses unnecessary."""


LAYER_WEIGHTS = {"relu1_2": 1.9, "relu2_2": 5.5, "relu3_3": 3.3, "relu4_1": 0.07}
"""Weights of the style layers' relative errors. In these proportions the classic absolute losses
weigh The Starry Night's layers (docs/training.md)."""
LARGE_SHAPES = LAYER_WEIGHTS | {"relu4_1": 1.0}
"""The same with the painting's light: the deepest layer sees panes, tiles and triangles whole."""
USUAL_WEIGHTS = {
    "photograph": {
        "content_weight": 1.2,
        "face_weight": 5.0,
        "light_weight": 6.0,
        "light_contrast": 1.2,
        "outline_weight": 30.0,
    },
    "painting": {
        "content_weight": 0.6,
        "face_weight": 9.0,
        "light_weight": 4.0,
        "light_contrast": 1.0,
        "outline_weight": 10.0,
    },
}
"""What `stylecam train` takes, by whose light the paintings have. With the painting's, shapes need
room to be seen in and have outlines of their own, and one across a nose hides more than a stroke.
With the photograph's, strokes take a part of the contrast that is asked for.
"""


class Recipe(BaseModel):
    """The options of a `stylecam train`; stored with every checkpoint.

    Content, style and tone losses are relative (1: an error as large as the target itself), so
    weights mean the same whatever the layers. `images` are the sources of photographs, as given.
    `image_size` is the height and width of a crop, in pixels. `style_scale` is the size of the
    style's patterns: 1 is their size in the picture at STYLE_SIDE, more paints larger strokes.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    style: str
    style_shares: tuple[NotNegative, ...] = ()
    """Shares of several style pictures; empty: all equal."""
    style_digest: str = ""
    """Digest of the fitted style pictures; empty in older checkpoints."""
    images: Annotated[tuple[str, ...], Field(min_length=1)]
    model_size: Literal["dense", "fast", "small", "full"] = "dense"
    alpha: Annotated[float, Field(gt=0, le=1)] = 1.0
    options: dict[str, bool | int | float | str] = {}
    """Keyword arguments of the architecture, for searches."""

    base: str = ""
    """Fingerprint of the weights that the training starts from; empty: from scratch."""
    family: str = ""
    """Fingerprint of the oldest known weights that those descend from; styles of one family can be
    blended."""

    teacher: str = ""
    """Name and checksum of the style whose paintings are learned (losses/teacher.py), of the same
    look and wider; empty: the style picture is learned from."""

    num_images: Annotated[int, Field(ge=1)] = 20_000
    batch_size: Annotated[int, Field(ge=1)] = 4
    image_size: tuple[Side, Side] = (192, 192)
    style_scale: Annotated[float, Field(gt=0, le=4)] = 1.0
    style_fit: Literal["whole", "crop", "pad", "stretch"] = "whole"
    """How the style picture gets the shape of the crops; if they are not square, default "crop"."""
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0

    content_weight: NotNegative = 1.2
    content_start: Share = 0.4
    """Share of the content weight at the start; it grows over the first `content_ramp`."""
    content_ramp: Share = 0.6
    face_weight: NotNegative = 5.0
    """Share of the content weight that counts on faces, at each scale, beside what counts there
    anyway; 0: faces are not looked for, and count like all else."""
    face_style: Share = 0.15
    """How much of the style weight counts on faces at full size, where strokes are seen; at smaller
    scales more, up to all (objective.py)."""
    style_weight: NotNegative = 1.0
    light_weight: NotNegative = 0.0
    """Of what is bright and dark in the photograph, with the painting's contrast (light.py)."""
    light_contrast: Annotated[float, Field(gt=0, le=4)] = 1.0
    """The contrast that light and outlines shall have, as a share of the style picture's."""
    outline_weight: NotNegative = 0.0
    """Of strong outlines, as sharp as the photograph's (outline.py)."""
    colour_weight: NotNegative = 0.0
    """Of what has which colour in the photograph, in the painting's palette (palette.py)."""
    tv_weight: NotNegative = 0.0
    range_weight: NotNegative = 10.0
    temporal_weight: NotNegative = 8.0
    stability_every: Annotated[int, Field(ge=1)] = 2
    """Every which step judges stability; it counts that many times there."""
    loss_units: Literal["relative", "absolute"] = "relative"
    """Content and style errors relative to their targets, or absolute (the classic recipes)."""
    scales: Annotated[int, Field(ge=1, le=3)] = 3
    """How many times the losses see a crop: 1, as it is; 2, whole at half size and a quarter of it
    at full size; 3, also whole at a quarter of the size."""
    light: Literal["photograph", "painting"] = "photograph"
    """Whose light and shade the paintings have, with three scales (objective.py)."""
    exposure: bool = True
    """Whether the generator gets pictures normalised in exposure (models/exposure.py)."""
    grain: NotNegative = 0.05
    """Deviation of the grain on what the generator sees, of 0..1 (models/grain.py)."""
    style_loss: Literal["gram", "wasserstein"] = "gram"
    gram: Scope | None = None
    """Scope of the style loss of either kind, at full size. None: that of `scope`."""
    content_layers: tuple[str, ...] = ("relu3_3",)
    style_layers: tuple[str, ...] = ("relu1_2", "relu2_2", "relu3_3", "relu4_1")
    layer_weights: tuple[NotNegative, ...] = ()
    """Weights of the style layers, in their order; empty: those of LAYER_WEIGHTS, else 1."""
    loss_network: Literal["vgg16", "vgg19", "vgg16-hed"] = "vgg16"
    """`vgg16-hed` only in older checkpoints, which can be exported, but not trained on."""
    pooling: Literal["max", "avg"] = "max"
    slim: bool = True
    precision: Precision = "auto"
    """Precision in which the loss network computes."""

    lr: Positive = 2e-3
    warmup_steps: Annotated[int, Field(ge=0)] = 50
    schedule: Literal["linear", "tail"] = "linear"
    """The rate in the tail: a linear fall to lr / 50, or lr / 10 throughout (the classic way)."""
    tail: Share = TAILS["linear"]
    """Share of the training, at its end, with the lower rate; the default is that of TAILS."""
    renorm_from: Share = 0.8
    """Share of the training after which batch norm normalises by its running statistics, as the
    exported graph does."""
    patience: Annotated[int, Field(ge=0)] = 0
    """Images without a new low of the averaged loss after which the tail begins early; 0: never."""
    max_gradient: Positive = 5.0
    ema: Annotated[float, Field(ge=0, lt=1)] = 0.998

    checkpoint_every: Annotated[int, Field(ge=1)] = 200
    preview_every: Annotated[int, Field(ge=1)] = 400

    @model_validator(mode="before")
    @classmethod
    def _fill_in(cls, given: Any) -> Any:
        """Convert fields of older checkpoints; set defaults that depend on other fields."""
        if not isinstance(given, Mapping):
            return given
        fields = dict(given)
        if "tone_weight" in fields:  # made before exposure was normalised and crops seen twice
            fields = {"exposure": False, "grain": 0.0, "scales": 1, "model_size": "fast"} | fields
        for old, (new, meaning) in RENAMED_FIELDS.items():
            if old in fields:
                fields[new] = meaning(fields.pop(old))
        for gone in REMOVED_FIELDS:
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

    def differences(self, stored: "Recipe") -> list[str]:
        """Fields in which this recipe differs from `stored`: "field: stored value, now new value".

        Empty if a training with `stored` can continue with this recipe (see OUTPUT_FIELDS)."""
        ignored = set(OUTPUT_FIELDS)
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
    def weights_of_layers(self) -> dict[str, float]:
        """Style layer to its weight."""
        if self.layer_weights:
            return dict(zip(self.style_layers, self.layer_weights, strict=True))
        if self.loss_units == "absolute":
            return dict.fromkeys(self.style_layers, 1.0)
        weights = LARGE_SHAPES if self.light == "painting" else LAYER_WEIGHTS
        return {layer: weights.get(layer, 1.0) for layer in self.style_layers}

    @property
    def scope(self) -> Scope:
        """The scope of the style loss at full size."""
        return self.gram or "image"

    @property
    def preparation(self) -> Preparation:
        return Preparation(self.exposure, self.grain)

    @property
    def architecture(self) -> Architecture:
        build: Callable[..., Architecture] = MODEL_SIZES[self.model_size]
        return build(self.alpha, **self.options)

    @property
    def steps(self) -> int:
        return -(-self.num_images // self.batch_size)

    @property
    def tail_from(self) -> float:
        """Share of the training before the tail."""
        return 1 - self.tail

    def learning_rate(self, step: int, *, end: int | None = None) -> float:
        """The rate at a step, counted from 0: linear warm-up, plateau, then the tail up to `end`.

        Run lowers it further by RENORMED_RATE_SHARE and after roll-backs."""
        end = end or self.steps
        warm = min(1.0, (step + 1) / max(1, self.warmup_steps))
        start = self.tail_from * end
        if self.schedule == "tail":
            return self.lr * warm * (0.1 if step >= start else 1.0)
        fallen = max(0.0, (step - start) / max(1.0, end - start))
        return self.lr * warm * (1 - 0.98 * min(1.0, fallen))
