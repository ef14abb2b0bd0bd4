"""What a painting can be told, typed and checked once."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
LayerWeights = dict[str, NotNegative]

Method = Literal["gram", "remd"]
Optimizer = Literal["adam", "lbfgs"]
Pooling = Literal["max", "average", "l2"]
Initial = Literal["content", "style", "noise", "picture"]
Colours = Literal["style", "luminance", "histogram"]


class PaintSettings(BaseModel):
    """Every option of a painting. Defaults of weights and step: style-transfer-pytorch, but for a
    content weight of 0.05 instead of 0.015, by which faces are lost (docs/paint.md).

    `style_weight` is in per cent: the style term is multiplied by style_weight / 50, the content
    term by (100 - style_weight) / 50. `size` is the longer side of the painting in pixels. Layers
    map to their weights; empty: the defaults of the loss network. `depth` keeps the first of the
    style layers, fine to deep. `colours`: those of the style; the photograph's, by painting only
    its luminance; or the photograph's, by giving its mean and covariance to the style first.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    method: Method = "gram"
    optimizer: Optimizer = "adam"
    size: Annotated[int, Field(ge=64)] = 512
    first_size: Annotated[int, Field(ge=64)] = 128
    """Longer side of the first scale; each further one is √2 times as large."""
    initial_iterations: Annotated[int, Field(ge=1)] = 200
    """At the first scale."""
    iterations: Annotated[int, Field(ge=1)] = 100
    """At each further scale."""
    step_size: Positive = 0.02
    seed: int = 0

    style_weight: Annotated[float, Field(ge=0, le=100)] = 50.0
    content_weight: NotNegative = 0.05
    tv_weight: NotNegative = 2.0
    style_scale: Positive = 1.0
    """Longer side of the style picture as a share of the painting's: more gives larger strokes."""
    style_shares: tuple[NotNegative, ...] = ()
    """Weights of several style pictures; empty: all equal."""
    style_layers: LayerWeights = {}
    content_layers: LayerWeights = {}
    depth: Annotated[int, Field(ge=1)] | None = None
    pooling: Pooling = "max"
    initial: Initial = "content"
    colours: Colours = "style"
    enhance: bool = False
    """Paint one scale beyond `size` with the fine layers only, and reduce the result."""

    @model_validator(mode="after")
    def _depth_or_layers(self) -> "PaintSettings":
        if self.depth is not None and self.style_layers:
            raise ValueError("depth: of the default layers; leave it out where layers are given")
        return self
