"""Generators as plain data: their layers, widths and grids. Needs no torch.

One description feeds the torch module (network.py), the ONNX graph (graph.py) and the counts
(parameters.py), so that the trained, the exported and the measured network cannot drift apart.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

from pydantic import TypeAdapter

from models.errors import UsageError, lookup
from models.generator.layers import Conv, Layer, Norm, Relu, Residual, Shuffle, Upsample

MARGIN = 36
"""Pixels of reflection added on each side of the picture. The convolutions see zeros only beyond
them, so the zeros hardly affect the picture, although a `fast` generator reaches 50 pixels.
The border pixels are not repeated instead: the repeats would be flat across a border, and a
generator paints flat areas in other colours."""
CLASSIC_MARGIN = 32
"""The same for the sizes in FIXED_SIZES, whose files were made with it."""
FIXED_SIZES = ("full", "small")
"""Model sizes whose definition stays as it is. Their int8 files tell size and alpha alone, which
saves space; a `fast` one tells all its layers, because the defaults of `fast` change."""


@dataclass(frozen=True)
class Architecture:
    """A generator: RGB in, RGB out, both 0..1.

    `stride` is the pitch of the coarsest grid, in pixels: the padded sides are multiples of it.
    `margin` pixels are reflected on each side before the first layer and cropped after the last.

    If the last layer is a bilinear enlargement, the layers before it give the coarse picture.
    The painting is then the enlarged coarse picture + `detail` · input, for sharp edges. With
    `residual`, (1 − detail) · input is added to the coarse picture. Without it, detail · input
    is subtracted there, so that only what is finer than the coarse grid comes from the input.
    With neither a coarse picture nor `residual`, `detail` has no effect.

    With `centred`, the layers see the picture as -1..1. `padding` is what the convolutions see
    beyond the borders of their input: zeros, or its outermost values repeated.
    """

    name: str
    alpha: float
    layers: tuple[Layer, ...]
    stride: int
    margin: int
    residual: bool
    detail: float = 1.0
    centred: bool = False
    padding: Literal["zeros", "replicate"] = "zeros"

    @property
    def upsample_factor(self) -> int:
        """Pixels of the picture per coarse pixel, on each side; 1 without a coarse picture."""
        last = self.layers[-1]
        return last.factor if isinstance(last, Upsample) and last.mode == "bilinear" else 1

    @property
    def input_gain(self) -> float:
        """Share of the input that is added to the painting at full resolution."""
        return self.detail if self.adds_to_input else 0.0

    @property
    def adds_to_input(self) -> bool:
        """Whether the output of the layers is added to a share of the input, or is the picture."""
        return self.residual or self.upsample_factor > 1

    @property
    def coarse_input_gain(self) -> float:
        """Share of the input that is added to the coarse picture; negative: subtracted."""
        if self.residual:
            return 1 - self.detail
        return -self.input_gain

    @property
    def coarse(self) -> tuple[Layer, ...]:
        """The layers that give the coarse picture: all but a bilinear enlargement at the end."""
        return self.layers[:-1] if self.upsample_factor > 1 else self.layers


ADAPTER: TypeAdapter[Architecture] = TypeAdapter(Architecture)


def to_json(architecture: Architecture) -> str:
    return ADAPTER.dump_json(architecture).decode()


def short_json(architecture: Architecture) -> str:
    """Only size and alpha if they define exactly this (folded) network and the size is one of
    FIXED_SIZES, else all fields."""
    name, alpha = architecture.name, architecture.alpha
    if name in FIXED_SIZES and folded(MODEL_SIZES[name](alpha)) == architecture:
        return json.dumps({"size": name, "alpha": alpha}, separators=(",", ":"))
    return to_json(architecture)


def from_json(text: str) -> Architecture:
    """The architecture that `to_json` or `short_json` wrote."""
    fields = json.loads(text)
    if "size" in fields:
        return folded(MODEL_SIZES[fields["size"]](fields["alpha"]))
    return ADAPTER.validate_json(text)


def scaled(channels: int, alpha: float, *, multiple: int = 1) -> int:
    """`channels` times alpha, rounded to a multiple of `multiple` and at least `multiple`."""
    return max(multiple, round(channels * alpha / multiple) * multiple)


def check_alpha(alpha: float) -> None:
    if not 0 < alpha <= 1:
        raise UsageError(f"alpha {alpha} is outside (0, 1]")


def johnson(alpha: float = 1.0, norm: Norm = "instance") -> Architecture:
    """Johnson et al. 2016, supplementary table 1, every width times alpha.

    Departs from the table as its authors' own code does: instance norm, and nearest ×2
    upsampling with a plain convolution in place of transposed convolutions (no checkerboard).
    """
    check_alpha(alpha)
    c1, c2, c3 = (scaled(c, alpha) for c in (32, 64, 128))
    block = Residual((Conv(c3, 3, norm=norm, relu=True), Conv(c3, 3, norm=norm)))
    layers: tuple[Layer, ...] = (
        Conv(c1, 9, norm=norm, relu=True),
        Conv(c2, 3, stride=2, norm=norm, relu=True),
        Conv(c3, 3, stride=2, norm=norm, relu=True),
        *(block,) * 5,
        Upsample(2, "nearest"),
        Conv(c2, 3, norm=norm, relu=True),
        Upsample(2, "nearest"),
        Conv(c1, 3, norm=norm, relu=True),
        Conv(3, 9),
    )
    return Architecture("full", alpha, layers, stride=4, margin=CLASSIC_MARGIN, residual=False)


def small(alpha: float = 0.3) -> Architecture:
    """The usual pruned Johnson network: equal widths, 3 residual blocks, 9×9 at both ends."""
    check_alpha(alpha)
    width = scaled(32, alpha)
    conv = Conv(width, 3, norm="batch", relu=True)
    block = Residual((conv, replace(conv, relu=False)))
    layers: tuple[Layer, ...] = (
        Conv(width, 9, norm="batch", relu=True),
        replace(conv, stride=2),
        replace(conv, stride=2),
        *(block,) * 3,
        Upsample(2, "nearest"),
        conv,
        Upsample(2, "nearest"),
        conv,
        Conv(3, 9),
    )
    return Architecture("small", alpha, layers, stride=4, margin=CLASSIC_MARGIN, residual=False)


def fast(
    alpha: float = 1.0,
    *,
    width: int = 32,
    blocks: int = 5,
    block: Literal["inverted", "dense", "separable"] = "separable",
    block_kernel: int = 3,
    stride: int = 4,
    stem_kernel: int = 6,
    head: Literal["half", "quarter", "shuffle"] = "half",
    head_width: int = 16,
    detail: float = 0.25,
    residual: bool = False,
) -> Architecture:
    """Ours: the whole body works at 1/stride of the resolution, from the first layer on.

    Batch norm throughout, which folds into the convolutions. The head brings the painting back
    to full size. "quarter": one bilinear enlargement straight from the body's grid. "half":
    `head_width` channels enlarged bilinearly to half resolution, a convolution to RGB, a second
    enlargement. "shuffle": a sub-pixel shuffle to half resolution, then one enlargement.
    """
    check_alpha(alpha)
    wide = scaled(width, alpha, multiple=8)
    narrow = scaled(head_width, alpha, multiple=8)
    layers: tuple[Layer, ...] = (
        Conv(wide, stem_kernel, stride=stride, norm="batch", relu=True),
        *(Residual(_body(block, wide, block_kernel)),) * blocks,
        *_head(head, narrow, stride),
    )
    return Architecture("fast", alpha, layers, stride, MARGIN, residual, detail)


def dense(
    alpha: float = 1.0,
    *,
    quarter: int = 32,
    eighth: int = 64,
    blocks: int = 3,
    quarter_blocks: int = 1,
    head_width: int = 16,
    adaptive: bool = True,
    shortcut: bool = True,
) -> Architecture:
    """Ours: dense 3×3 convolutions on an eighth of the resolution, the cheapest capacity there is.

    The stem goes to a quarter of the resolution in one step. A branch goes on to an eighth, where
    `blocks` residual blocks draw strokes and shapes (they reach about 70 pixels), and comes back
    enlarged bilinearly, added to the stem's output. `quarter_blocks` residual blocks at a quarter
    draw what is finer. The head enlarges `head_width` channels bilinearly to half of the
    resolution, and its last convolution gives the four pixels of each 2×2 block (sub-pixel
    shuffle). There, one convolution of the picture itself is added as a `shortcut`: what a stem of
    so few channels cannot carry, edges and fine lines, need not pass through it. Batch norm in the
    body, which folds into the convolutions. All its convolutions but the first, whose input is of
    even exposure anyway, are `adaptive`: they do what an instance norm does, at a fiftieth of a
    frame's time. The last one is not, since its sub-pixels must not differ.

    The convolutions repeat the outermost values, and there is no margin. With zeros, a generator
    with so wide a reach paints stripes along borders that need a margin of 48 pixels.
    """
    check_alpha(alpha)
    fine, wide, narrow = (scaled(c, alpha, multiple=8) for c in (quarter, eighth, head_width))
    coarse: tuple[Layer, ...] = (
        Conv(fine, 6, stride=4, norm="batch", relu=True),
        Residual(
            (
                Conv(wide, 4, stride=2, norm="batch", relu=True, adaptive=adaptive),
                *(_dense_block(wide, adaptive),) * blocks,
                Conv(fine, 1, adaptive=adaptive),
                Upsample(2),
            )
        ),
        Conv(fine, 3, norm="batch", relu=True, adaptive=adaptive),
        *(_dense_block(fine, adaptive),) * quarter_blocks,
        Conv(narrow, 1, adaptive=adaptive),
        Upsample(2),
    )
    if shortcut:
        coarse = (Residual(coarse, Conv(narrow, 3, stride=2)),)
    layers = (*coarse, Relu(), Conv(12, 3), Shuffle(2))
    return Architecture(
        "dense", alpha, layers, 8, margin=0, residual=False, centred=True, padding="replicate"
    )


def _dense_block(width: int, adaptive: bool) -> Residual:
    body = _body("dense", width, 3)
    return Residual(tuple(replace(conv, adaptive=adaptive) for conv in body))


def _body(kind: str, width: int, kernel: int) -> tuple[Conv, ...]:
    depthwise = Conv(width, kernel, depthwise=True, norm="batch", relu=True)
    bodies: dict[str, tuple[Conv, ...]] = {
        "inverted": (
            Conv(2 * width, 1, norm="batch", relu=True),
            replace(depthwise, out=2 * width),
            Conv(width, 1, norm="batch"),
        ),
        "separable": (
            depthwise,
            Conv(width, 1, norm="batch", relu=True),
            depthwise,
            Conv(width, 1, norm="batch"),
        ),
        "dense": (Conv(width, kernel, norm="batch", relu=True), Conv(width, kernel, norm="batch")),
    }
    return lookup("block", kind, bodies)


def _head(kind: str, narrow: int, stride: int) -> tuple[Layer, ...]:
    half = stride // 2
    heads: dict[str, tuple[Layer, ...]] = {
        "shuffle": (Conv(3 * half**2, 3), Shuffle(half), Upsample(2)),
        "half": (Conv(narrow, 1), Upsample(half), Relu(), Conv(3, 3), Upsample(2)),
        "quarter": (Conv(3, 3), Upsample(stride)),
    }
    return lookup("head", kind, heads)


MODEL_SIZES: dict[str, Callable[[float], Architecture]] = {
    "full": johnson,
    "small": small,
    "fast": fast,
    "dense": dense,
}


def folded(architecture: Architecture) -> Architecture:
    """The same network with its batch norms folded into the convolutions before them."""
    return _with_convs(
        architecture, lambda conv: replace(conv, norm="none") if conv.norm == "batch" else conv
    )


def without_adaptation(architecture: Architecture) -> Architecture:
    """The same network with no convolution `adaptive`, as version 0.1 had it."""
    return _with_convs(architecture, lambda conv: replace(conv, adaptive=False))


def without_shortcut(architecture: Architecture) -> Architecture:
    """The same network with nothing beside its body, as version 0.2 had it."""
    match architecture.layers:
        case (Residual(body, Conv()), *rest):
            return replace(architecture, layers=(*body, *rest))
    return architecture


def _with_convs(architecture: Architecture, change: Callable[[Conv], Conv]) -> Architecture:
    def changed(layer: Layer) -> Layer:
        if isinstance(layer, Residual):
            shortcut = layer.shortcut and change(layer.shortcut)
            return Residual(tuple(map(changed, layer.body)), shortcut)
        return change(layer) if isinstance(layer, Conv) else layer

    return replace(architecture, layers=tuple(map(changed, architecture.layers)))


@dataclass(frozen=True)
class PlacedConv:
    """A convolution at its place in a network: parameter prefix, input channels and scale.

    `scale` is the pitch of its output grid in input pixels: 4 means a quarter of the resolution.
    """

    prefix: str
    conv: Conv
    channels_in: int
    scale: float


def convolutions(architecture: Architecture) -> Iterator[PlacedConv]:
    """Every convolution in order of execution."""
    return _convolutions(architecture.layers, "core", 3, 1.0)


def _convolutions(
    layers: tuple[Layer, ...], prefix: str, channels: int, scale: float
) -> Iterator[PlacedConv]:
    for i, layer in enumerate(layers):
        match layer:
            case Conv():
                scale *= layer.stride
                yield PlacedConv(f"{prefix}.{i}", layer, channels, scale)
                channels = layer.out
            case Residual():  # ends with the channels and on the grid of its shortcut
                yield from _convolutions(layer.body, f"{prefix}.{i}.body", channels, scale)
                if layer.shortcut is not None:
                    scale *= layer.shortcut.stride
                    yield PlacedConv(f"{prefix}.{i}.shortcut", layer.shortcut, channels, scale)
                    channels = layer.shortcut.out
            case Upsample():
                scale /= layer.factor
            case Shuffle():
                scale /= layer.factor
                channels //= layer.factor**2
