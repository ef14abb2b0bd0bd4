"""The layers that generators are made of, as plain data."""

import math
from dataclasses import dataclass
from typing import Literal, TypeAlias

Norm = Literal["none", "batch", "instance"]


@dataclass(frozen=True)
class Conv:
    """Convolution with "same" zero padding, then norm, then ReLU. `out` channels."""

    out: int
    kernel: int
    stride: int = 1
    depthwise: bool = False
    norm: Norm = "none"
    relu: bool = False
    kind: Literal["conv"] = "conv"

    @property
    def padding(self) -> int:
        """Zeros on each side, so that a size divisible by `stride` shrinks by just that."""
        return (self.kernel - self.stride + 1) // 2


@dataclass(frozen=True)
class Residual:
    """input + body(input)."""

    body: tuple[Conv, ...]
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


@dataclass(frozen=True)
class Canvas:
    """input + learned patterns, each repeated over the whole grid, brought to `out` channels by a
    1×1 convolution.

    There is a pattern of `channels` × side × side for each of `sides`. A convolution alone gives
    one colour for a flat area; from the patterns it can paint strokes there (noise as an input
    of the generator: Ulyanov et al. 2016, sec. 3.1; here learned, and the same for every frame).
    Two sides, since together they repeat less often than either.
    """

    out: int
    channels: int
    sides: tuple[int, ...]
    kind: Literal["canvas"] = "canvas"

    @property
    def channels_in(self) -> int:
        """Of the convolution: the channels of all patterns."""
        return self.channels * len(self.sides)

    @property
    def period(self) -> int:
        """Cells after which all patterns together begin anew, per side."""
        return math.lcm(*self.sides)

    @property
    def conv(self) -> Conv:
        return Conv(self.out, 1)


Layer: TypeAlias = Conv | Residual | Upsample | Relu | Shuffle | Canvas
