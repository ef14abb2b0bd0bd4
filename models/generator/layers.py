"""The layers that generators are made of, as plain data."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

Norm = Literal["none", "batch", "instance"]
MEAN_LIMIT = 1.0
"""Largest mean, either way, that an adaptive convolution believes: a picture of one saturated
colour has means far beyond those of photographs, and its gains, one after another, multiply to
infinity."""


@dataclass(frozen=True)
class Conv:
    """Convolution to `out` channels with "same" zero padding, then norm, then ReLU.

    With `adaptive`, the whole picture has a say before the ReLU: each output channel is scaled by a
    gain and shifted, both affine functions of the means of the input channels, these clipped to
    ±MEAN_LIMIT (squeeze and excitation, Hu et al. 2018, arXiv:1709.01507, sec. 3, in one linear
    step; with a shift as in FiLM, Perez et al. 2018, arXiv:1709.07871).
    """

    out: int
    kernel: int
    stride: int = 1
    depthwise: bool = False
    norm: Norm = "none"
    relu: bool = False
    adaptive: bool = False
    kind: Literal["conv"] = "conv"

    @property
    def padding(self) -> int:
        """Zeros on each side, such that a size divisible by `stride` shrinks by that factor."""
        return (self.kernel - self.stride + 1) // 2


@dataclass(frozen=True)
class Residual:
    """shortcut(input) + body(input); without a shortcut, the input itself is added. The body keeps
    channels and size, or changes them as the shortcut does (a projection: He et al. 2016, sec. 3.2,
    option B). It may work on a coarser grid inside, and hold further residuals."""

    body: "tuple[Layer, ...]"
    shortcut: "Conv | None" = None
    kind: Literal["residual"] = "residual"


@dataclass(frozen=True)
class Upsample:
    """Enlarge both sides by `factor`; bilinear with half-pixel centres, or nearest."""

    factor: int
    mode: Literal["bilinear", "nearest"] = "bilinear"
    kind: Literal["upsample"] = "upsample"


@dataclass(frozen=True)
class Relu:
    kind: Literal["relu"] = "relu"


@dataclass(frozen=True)
class Shuffle:
    """Sub-pixel shuffle: factor² channels become one, both sides grow by `factor`."""

    factor: int
    kind: Literal["shuffle"] = "shuffle"


Layer: TypeAlias = Conv | Residual | Upsample | Relu | Shuffle
