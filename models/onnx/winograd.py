"""3×3 convolutions with a third fewer multiplications, in the blocked layout.

Winograd's F(2, 3) along the rows of a picture (Lavin & Gray 2016, arXiv:1509.09308, sec. 4.1): two
neighbouring outputs of a filter of three taps k are made of four products instead of six. With d
the four values that they see,

    m₀ = k₀ (d₀ − d₂)    m₁ = ½ (k₀ + k₁ + k₂) (d₁ + d₂)    m₂ = ½ (k₀ − k₁ + k₂) (d₂ − d₁)
    m₃ = k₂ (d₁ − d₃)    outputs: m₀ + m₁ + m₂ and m₁ − m₂ − m₃

Here each tap is a column of the kernel, so each product is a convolution by 3×1, over all channels.
A run of layers holds the picture as two of half its width, its even and its odd columns: d₁ and d₂
are those halves, d₃ and d₀ the same with a column of the other at one edge. The last sums come for
free, as the values to which m₀ and m₃ are added.

Where a processor convolves at its peak, only fewer multiplications are faster. Four outputs along
the rows, or two along both axes, would need fewer still, but the sums around them, which wait for
memory, eat that up.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from models.generator.architecture import PlacedConv
from models.generator.layers import Conv, Layer, Residual
from models.onnx.blocked_writer import BlockedWriter, Floats

CHANNELS_PER_PITCH = 6
"""Least channels in and out, over the pitch of the grid in pixels: 24 at a quarter of the
resolution, 48 at an eighth. With fewer, the sums around the products cost what the products save,
the more so where the grid has few values (measured: docs/generator.md)."""
TO_THE_END = 2**31
NEXT_SUBTRACTED = np.array([[1, -1]], np.float32)
"""A window: each column minus the one to its right."""


def pays(placed: PlacedConv) -> bool:
    """Whether a convolution is faster by Winograd's products."""
    conv = placed.conv
    fits = (conv.kernel, conv.stride, conv.depthwise) == (3, 1, False)
    return fits and min(placed.channels_in, conv.out) >= CHANNELS_PER_PITCH * placed.scale


def is_pointwise(placed: PlacedConv) -> bool:
    """Whether a convolution is as fast on columns in two halves."""
    return (placed.conv.kernel, placed.conv.stride) == (1, 1)


def has_even_columns(placed: PlacedConv, step: int) -> bool:
    """Whether what a convolution gives has an even number of columns if the picture's width is a
    multiple of `step`."""
    return step % (2 * placed.scale) == 0


def column_kernels(kernel: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Of a kernel (O, I, kh, 3), the four (O, I, kh, 1) that make m₀, m₁, m₂ and −m₃ of the sums
    of d."""
    left, middle, right = (kernel[..., i : i + 1] for i in range(3))
    outer, inner = np.float32(0.5) * (left + right), np.float32(0.5) * middle
    return left, outer + inner, outer - inner, -right


@dataclass(frozen=True)
class Columns:
    """Two values (1, C, H, W / 2) of the graph: the even columns, and the odd ones."""

    even: str
    odd: str


class WinogradWriter:
    """Writes runs of layers through `writer`."""

    def __init__(self, writer: BlockedWriter) -> None:
        self._writer = writer

    def run(self, x: str, layers: Iterable[tuple[str, Layer]]) -> str:
        """Convolutions that pay or are pointwise, and residuals of such, with their prefixes, of
        (1, C, H, W), W even. The outermost values are repeated beyond the borders."""
        columns = self._halved(x)
        for prefix, layer in layers:
            columns = self._layer(columns, prefix, layer)
        return self._joined(columns)

    def _halved(self, x: str) -> Columns:
        """By convolutions with steps of two columns, since the runtime's Slice is slower."""
        first, second = (
            self._writer.depthwise_kernel(np.array([window], np.float32), self._writer.channels[x])
            for window in ([1], [0, 1])
        )
        return Columns(*(self._writer.conv(x, one, stride=(1, 2)) for one in (first, second)))

    def _joined(self, columns: Columns) -> str:
        halves = [self._writer.memory(half) for half in (columns.even, columns.odd)]
        pairs = self._writer.graph.add("Concat", *halves, axis=4)  # (1, C / b, H, W / 2, 2 b)
        return self._writer.picture(pairs, self._writer.channels[columns.even])

    def _layer(
        self, columns: Columns, prefix: str, layer: Layer, plus: Columns | None = None
    ) -> Columns:
        """A convolution also adds `plus`."""
        match layer:
            case Conv():
                return self._conv(columns, prefix, layer, plus)
            case Residual():
                inside, last = columns, len(layer.body) - 1
                for i, inner in enumerate(layer.body):
                    add = columns if i == last else None
                    inside = self._layer(inside, f"{prefix}.body.{i}", inner, add)
                return inside
            case _:
                raise AssertionError(f"{layer} does not fit")

    def _conv(self, columns: Columns, prefix: str, spec: Conv, plus: Columns | None) -> Columns:
        writer = self._writer
        kernel, biases = writer.read(prefix)
        if spec.adaptive:
            both = [writer.means(half) for half in (columns.even, columns.odd)]
            means = writer.known(writer.channels[both[0]], writer.graph.add("Add", *both))
            gain, bias = writer.adaptation(prefix, means, share=1 / len(both))
        else:
            gain, bias = None, writer.bias(biases)
        if spec.kernel == 1:
            point = writer.kernel(kernel, gain)
            more = plus or Columns("", "")
            return Columns(
                writer.conv(columns.even, point, bias, relu=spec.relu, plus=more.even),
                writer.conv(columns.odd, point, bias, relu=spec.relu, plus=more.odd),
            )
        kernels = [writer.kernel(column, gain) for column in column_kernels(kernel)]
        first, total, difference, last = self._sums(columns)
        products = writer.conv(total, kernels[1]), writer.conv(difference, kernels[2])
        even, odd = (writer.alike(products[0], op, *products) for op in ("Add", "Sub"))
        if plus:
            even = writer.alike(even, "Add", even, plus.even)
            odd = writer.alike(odd, "Add", odd, plus.odd)
        return Columns(
            writer.conv(first, kernels[0], bias, relu=spec.relu, plus=even),
            writer.conv(last, kernels[3], bias, relu=spec.relu, plus=odd),
        )

    def _sums(self, columns: Columns) -> tuple[str, str, str, str]:
        """d₀ − d₂, d₁ + d₂, d₂ − d₁ and d₁ − d₃, each (1, C, H + 2, W / 2): a row more above and
        below."""
        writer, graph = self._writer, self._writer.graph
        channels = writer.channels[columns.even]
        even, odd = (writer.padded_memory(half, 1, 0) for half in (columns.even, columns.odd))
        total, difference = graph.add("Add", even, odd), graph.add("Sub", odd, even)
        along = graph.integers(3)
        first_even = graph.add("Slice", even, graph.integers(0), graph.integers(1), along)
        last_odd = graph.add("Slice", odd, graph.integers(-1), graph.integers(TO_THE_END), along)
        odd_from_left = graph.add("Concat", first_even, odd, axis=3)
        even_to_right = graph.add("Concat", even, last_odd, axis=3)
        subtract = writer.depthwise_kernel(NEXT_SUBTRACTED, channels)
        left, right = (
            writer.conv(writer.picture(longer, channels), subtract)
            for longer in (odd_from_left, even_to_right)
        )
        total, difference = (writer.picture(each, channels) for each in (total, difference))
        return left, total, difference, right
