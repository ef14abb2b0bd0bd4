"""Writes single operations in ONNX Runtime's blocked layout (NCHWc).

Values keep the shape (1, C, H, W), C filled up to whole blocks. In memory they are
(C / block, H, W, block), and what moves values about (padding, slicing) works on that view,
(1, C / block, H, W, block).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.generator.layers import MEAN_LIMIT
from models.generator.parameters import Weights
from models.onnx.graph_writer import GraphWriter

DOMAIN = "com.microsoft.nchwc"

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Kernel:
    """A kernel in the layout's order, as a value of the graph, to `channels` in whole blocks."""

    value: str
    channels: int
    window: Sequence[int]
    depthwise: bool = False


class BlockedWriter:
    """Writes into `graph`. Methods that write return the value's name, and `channels` tells how
    many it has, in whole blocks."""

    def __init__(self, weights: Weights, block: int) -> None:
        self.graph = GraphWriter({})
        self.channels: dict[str, int] = {}
        self._weights, self._block = weights, block
        self._first_alike: dict[str, str] = {}

    def read(self, prefix: str) -> tuple[Floats, Floats]:
        """The kernel (O, I, kh, kw) and bias (O,) of a convolution."""
        return self._read(prefix, "conv")

    def kernel(self, kernel: Floats, gain: str | None = None) -> Kernel:
        """Of (O, I, kh, kw), times the gain (see `adaptation`)."""
        into = self._in_blocks(kernel, axis=0)  # (O / block, block, I, kh, kw)
        both = self._in_blocks(into, axis=2)  # (O / block, block, I / block, block, kh, kw)
        ordered = np.ascontiguousarray(both.transpose(0, 2, 4, 5, 3, 1))
        blocks_out, blocks_in, *window = ordered.shape[:4]
        channels = blocks_out * self._block
        shape = (channels, blocks_in * self._block, *window)
        if gain is None:
            return Kernel(self.graph.parameter(ordered.reshape(shape)), channels, window)
        # In memory it is a row of points of O channels, and the runtime multiplies channels faster
        # by a convolution than by Mul.
        row = self.graph.parameter(ordered.reshape(1, channels, 1, -1))
        scaled = self.conv(row, Kernel(gain, channels, [1, 1], depthwise=True))
        value = self.graph.add("Reshape", scaled, self.graph.integers(*shape))
        return Kernel(value, channels, window)

    def planes_kernel(self, kernel: Floats) -> Kernel:
        """Of (O, I, kh, kw), for values whose I channels are not in blocks."""
        blocks = self._in_blocks(kernel.transpose(0, 2, 3, 1), axis=0)
        ordered = blocks.transpose(0, 4, 2, 3, 1)  # (O / block, I, kh, kw, block)
        channels = len(ordered) * self._block
        shape = (channels, *kernel.shape[1:])
        value = self.graph.parameter(np.ascontiguousarray(ordered).reshape(shape))
        return Kernel(value, channels, kernel.shape[2:])

    def depthwise_kernel(self, window: Floats, channels: int) -> Kernel:
        """Of (kh, kw), the same for each of `channels`, in whole blocks."""
        shape = (channels // self._block, *window.shape, self._block)
        ordered = np.broadcast_to(window[None, :, :, None], shape)
        value = self.graph.constant(ordered.reshape(channels, 1, *window.shape))
        return Kernel(value, channels, window.shape, depthwise=True)

    def bias(self, bias: Floats) -> str:
        """Of (O,)."""
        return self.graph.constant(self._in_blocks(bias, axis=0).ravel())

    def conv(
        self,
        x: str,
        kernel: Kernel,
        bias: str | None = None,
        *,
        stride: tuple[int, int] = (1, 1),
        relu: bool = False,
        plus: str | None = None,
    ) -> str:
        """A convolution of padded values, to which it adds the value `plus`."""
        inputs = [x, kernel.value, bias or "", plus or ""]
        while not inputs[-1]:
            inputs.pop()
        result = self.graph.add(
            "Conv",
            *inputs,
            domain=DOMAIN,
            kernel_shape=kernel.window,
            strides=stride,
            pads=[0] * 4,
            group=kernel.channels if kernel.depthwise else 1,
            **({"activation": "Relu"} if relu else {}),
        )
        self.known(kernel.channels, result)
        return self._alike(plus, result) if plus else result

    def means(self, x: str) -> str:
        """Of each channel over the whole picture: (1, C, 1, 1)."""
        means = self.graph.add("GlobalAveragePool", x, domain=DOMAIN)
        return self.known(self.channels[x], means)

    def adaptation(self, prefix: str, means: str, *, share: float = 1.0) -> tuple[str, str]:
        """The gain (O, 1, 1, 1) for the kernel of the adaptive convolution `prefix`, and its bias
        (O,) with gain and shift, of values whose means, before they are clipped, are `share` ·
        `means`.

        They change the kernel, not what it gives: that is hundreds of times larger.
        """
        (to_gain, to_shift), (gain, shift) = (
            np.split(each, 2) for each in self._read(prefix, "adapt")
        )
        limits = [self.graph.constant(sign * MEAN_LIMIT / share) for sign in (-1, 1)]
        means = self.known(self.channels[means], self.graph.add("Clip", means, *limits))
        bias = self._read(prefix, "conv")[1]
        to_bias = bias[:, None, None, None] * to_gain + to_shift
        gains, biases = (
            self.conv(means, self.kernel(weight * np.float32(share)), self.bias(offset))
            for weight, offset in ((to_gain, gain), (to_bias, bias * gain + shift))
        )
        as_kernel = self.graph.integers(-1, 1, 1, 1)
        gains = self.graph.add("Reshape", gains, as_kernel)
        return gains, self.graph.add("Reshape", biases, self.graph.integers(-1))

    def pad(self, x: str, edge: int) -> str:
        """Repeat the outermost values `edge` times on each side."""
        return self.picture(self.padded_memory(x, edge, edge), self.channels[x])

    def padded_memory(self, x: str, rows: int, columns: int) -> str:
        """As it lies in memory, with the outermost rows and columns repeated so many times on each
        side."""
        pads = self.graph.integers(*[0, 0, rows, columns, 0] * 2)
        return self.graph.add("Pad", self.memory(x), pads, mode="edge")

    def memory(self, x: str) -> str:
        """(1, C, H, W) as it lies in memory: (1, C / block, H, W, block)."""
        blocks = self.channels[x] // self._block
        return self.graph.add("Reshape", x, self.graph.integers(0, blocks, 0, -1, self._block))

    def picture(self, memory: str, channels: int) -> str:
        """What lies like that in memory, as (1, C, H, W)."""
        shape = self.graph.integers(0, channels, 0, -1)
        return self.known(channels, self.graph.add("Reshape", memory, shape))

    def enlarged(self, x: str, mode: str) -> str:
        """By 2, "linear" or "nearest"."""
        way = "half_pixel" if mode == "linear" else "asymmetric"
        large = self.graph.add(
            "Upsample",
            x,
            domain=DOMAIN,
            scales=[1, 1, 2, 2],
            mode=mode,
            coordinate_transformation_mode=way,
        )
        return self.known(self.channels[x], large)

    def alike(self, like: str, op: str, *inputs: str) -> str:
        """A node whose value has the shape of the value `like`."""
        return self._alike(like, self.graph.add(op, *inputs))

    def known(self, channels: int, value: str) -> str:
        """Remember that the value has so many channels."""
        self.channels[value] = channels
        return value

    def _alike(self, like: str, value: str) -> str:
        """Remember that two values have the same shape, and tell the runtime, which then need not
        copy the one in order to add to it."""
        first = self._first_alike.setdefault(like, like)
        if like == first:
            self._tell_shape(first, first)
        self._first_alike[value] = first
        self._tell_shape(value, first)
        return self.known(self.channels[first], value)

    def _tell_shape(self, value: str, first: str) -> None:
        shape = (1, self.channels[first], f"{first}_rows", f"{first}_columns")
        self.graph.tell_shape(value, shape)

    def _in_blocks(self, array: Floats, axis: int) -> Floats:
        """`axis` filled up with zeros and split into two: blocks, and places in a block."""
        size = array.shape[axis]
        blocks = -(-size // self._block)
        shape = (*array.shape[:axis], blocks, self._block, *array.shape[axis + 1 :])
        if size == blocks * self._block:  # padding by nothing takes longer than all the rest
            return np.asarray(array, np.float32).reshape(shape)
        missing = [(0, 0)] * array.ndim
        missing[axis] = (0, blocks * self._block - size)
        return np.pad(np.asarray(array, np.float32), missing).reshape(shape)

    def _read(self, prefix: str, kind: str) -> tuple[Floats, Floats]:
        kernel, bias = (self._weights[f"{prefix}.{kind}.{part}"] for part in ("weight", "bias"))
        return np.asarray(kernel, np.float32), np.asarray(bias, np.float32)
