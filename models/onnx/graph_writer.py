"""Writes the nodes and constants of an ONNX graph; knows layers, not architectures."""

import hashlib
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Literal

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from models.generator.layers import MEAN_LIMIT, Conv, Layer, Relu, Residual, Shuffle, Upsample
from models.generator.parameters import Weights


class GraphWriter:
    """Collects nodes and constants; every method returns the name of the value it made."""

    def __init__(self, weights: Weights, padding: Literal["zeros", "replicate"] = "zeros") -> None:
        self.padding = padding
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, onnx.TensorProto] = {
            name: numpy_helper.from_array(np.ascontiguousarray(array, np.float32), name)
            for name, array in weights.items()
        }
        self.units: dict[str, float] = {}
        """What stands for 1 in a value of the graph, where it is not 1; only convolutions may see
        such values."""
        self._integers: dict[tuple[int, ...], str] = {}
        self._shapes: dict[str, onnx.ValueInfoProto] = {}

    def add(self, op: str, *inputs: str, out: str | None = None, **attributes: Any) -> str:
        name = out or f"{op.lower()}_{len(self.nodes)}"
        domain = attributes.pop("domain", None)
        node = helper.make_node(op, list(inputs), [name], name=name, domain=domain)
        for key, value in sorted(attributes.items()):
            hashable = tuple(value) if isinstance(value, list) else value
            node.attribute.append(_attribute(key, hashable))
        self.nodes.append(node)
        return name

    def constant(self, value: Any, dtype: Any = np.float32) -> str:
        array = np.asarray(value, dtype)
        digest = hashlib.sha256(array.tobytes()).hexdigest()[:8]
        values = array.tolist() if array.size <= 8 else digest
        name = f"c_{array.dtype}_{array.shape}_{values}".replace(" ", "")
        self.constants.setdefault(name, numpy_helper.from_array(array, name))
        return name

    def parameter(self, array: NDArray[np.float32]) -> str:
        """A constant that is not compared with the others, which takes longer than all else."""
        name = f"parameter_{len(self.constants)}"
        self.constants[name] = numpy_helper.from_array(array, name)
        return name

    def zero_point(self, value: int) -> str:
        return self.constant(value, np.uint8)

    def integers(self, *values: int) -> str:
        if values not in self._integers:
            self._integers[values] = self.constant(values, np.int64)
        return self._integers[values]

    def tell_shape(self, value: str, shape: Sequence[int | str]) -> None:
        """Tell the runtime the shape of a float value; sides of the same name are equal. Where it
        knows that two values have one shape, it may write one over the other."""
        self._shapes[value] = helper.make_tensor_value_info(value, TensorProto.FLOAT, shape)

    def told_shapes(self) -> list[onnx.ValueInfoProto]:
        return list(self._shapes.values())

    def layer(self, x: str, prefix: str, layer: Layer) -> str:
        """Any layer; its parameters' names begin with `prefix`, as in the torch module."""
        match layer:
            case Conv():
                return self.conv(x, prefix, layer)
            case Residual():
                body = x
                for i, inner in enumerate(layer.body):
                    body = self.layer(body, f"{prefix}.body.{i}", inner)
                if layer.shortcut is not None:
                    x = self.conv(x, f"{prefix}.shortcut", layer.shortcut)
                return self.add("Add", x, body)
            case Upsample():
                return self.upsample(x, layer)
            case Shuffle():
                return self.add("DepthToSpace", x, blocksize=layer.factor, mode="CRD")
            case Relu():
                return self.add("Relu", x)

    def conv(
        self,
        x: str,
        prefix: str,
        spec: Conv,
        *,
        gain_out: float = 1.0,
        order: tuple[int, ...] = (),
    ) -> str:
        """A convolution of a value in its unit, with its output scaled by gain_out.

        `order`: the output channels in another order. Unit, gain and order act on constants, which
        the runtime folds when it loads; the stored weights stay those of the torch module.
        """
        gain_in = 1 / self.units.get(x, 1.0)
        kernel, bias = f"{prefix}.conv.weight", f"{prefix}.conv.bias"
        if order:
            places = self.integers(*order)
            kernel, bias = (self.add("Gather", each, places, axis=0) for each in (kernel, bias))
        if gain_in * gain_out != 1.0:
            kernel = self.add("Mul", kernel, self.constant(gain_in * gain_out))
        if gain_out != 1.0:
            bias = self.add("Mul", bias, self.constant(gain_out))
        edge, seen = spec.padding, x
        if self.padding == "replicate" and edge:
            x = self.add("Pad", x, self.integers(0, 0, edge, edge, 0, 0, edge, edge), mode="edge")
            edge = 0
        group = spec.out if spec.depthwise else 1
        x = self.add(
            "Conv",
            x,
            kernel,
            bias,
            kernel_shape=[spec.kernel] * 2,
            strides=[spec.stride] * 2,
            pads=[edge] * 4,
            group=group,
        )
        if spec.norm == "instance":
            x = self.add("InstanceNormalization", x, f"{prefix}.norm.weight", f"{prefix}.norm.bias")
        assert spec.norm != "batch", "fold batch norm before writing the graph"
        if spec.adaptive:
            assert gain_in == gain_out == 1.0 and not order
            gain, shift = self.adaptation(seen, prefix)
            x = self.add("Add", self.add("Mul", x, gain), shift)
        return self.add("Relu", x) if spec.relu else x

    def adaptation(self, x: str, prefix: str) -> tuple[str, str]:
        """Gains and shifts (1, C, 1, 1) of the adaptive convolution `prefix` of the value `x`."""
        limits = self.constant(-MEAN_LIMIT), self.constant(MEAN_LIMIT)
        means = self.add("Clip", self.add("GlobalAveragePool", x), *limits)
        both = self.add("Conv", means, f"{prefix}.adapt.weight", f"{prefix}.adapt.bias")
        gain, shift = f"{both}_gain", f"{both}_shift"
        self.nodes.append(helper.make_node("Split", [both], [gain, shift], axis=1, num_outputs=2))
        return gain, shift

    def conv_to_rgb(self, x: str, prefix: str) -> str:
        """A 3×3 convolution to RGB on a grid of even size, its output scaled from 0..1 to 0..255.

        Written as a 4×4 convolution with stride 2 to 12 channels: RGB of each pixel of a 2×2
        block, still to be shuffled. The sums are the same, but ONNX Runtime pads every convolution
        to 8 or 16 output channels, and 12 waste less than 3 (5 to 7 % of a `fast` generator).
        """
        kernel, bias = f"{prefix}.conv.weight", f"{prefix}.conv.bias"
        gain = self.constant(255.0)
        kernel, bias = self.add("Mul", kernel, gain), self.add("Mul", bias, gain)
        shifted = []
        for row in (0, 1):
            for column in (0, 1):
                pads = self.integers(0, 0, row, column, 0, 0, 1 - row, 1 - column)
                shifted.append(self.add("Pad", kernel, pads))
        kernels = self.add("Concat", *shifted, axis=0)
        biases = self.add("Concat", *[bias] * 4, axis=0)
        return self.add(
            "Conv", x, kernels, biases, kernel_shape=[4, 4], strides=[2, 2], pads=[1, 1, 1, 1]
        )

    def shrunk_rgb(self, x: str, factor: int, gain: float, *, in_blocks: bool) -> str:
        """RGB averaged over `factor`² pixels, times `gain`; `in_blocks`: ordered as conv_to_rgb."""
        side = 2 * factor if in_blocks else factor
        kernel = np.zeros((side // factor, side // factor, 3, 3, side, side), np.float32)
        for row, column in np.ndindex(kernel.shape[:2]):
            rows = slice(row * factor, (row + 1) * factor)
            columns = slice(column * factor, (column + 1) * factor)
            for colour in range(3):
                kernel[row, column, colour, colour, rows, columns] = gain / factor**2
        kernels = self.constant(kernel.reshape(-1, 3, side, side))
        return self.add("Conv", x, kernels, kernel_shape=[side] * 2, strides=[side] * 2)

    def shuffle_bytes(self, x: str) -> str:
        """Shuffle bytes (1, 12, h, w), ordered as by conv_to_rgb, to (2h, 2w, 3).

        Two transpositions that each move one axis, which the runtime copies in whole runs of
        bytes. A single transposition takes four times as long.
        """
        rows, columns = (
            self.add("Slice", self.add("Shape", x), self.integers(i), self.integers(i + 1))
            for i in (2, 3)
        )
        two, pair, colours = self.integers(2), self.integers(6), self.integers(3)
        last = self.add("Transpose", x, perm=[0, 2, 3, 1])
        blocks = self.add("Concat", rows, columns, two, pair, axis=0)
        spread = self.add("Transpose", self.add("Reshape", last, blocks), perm=[0, 2, 1, 3])
        sides = [self.add("Mul", side, two) for side in (rows, columns)]
        return self.add("Reshape", spread, self.add("Concat", *sides, colours, axis=0))

    def cut(
        self,
        x: str,
        margin: int,
        height: str,
        width: str,
        *,
        axes: tuple[int, int],
        out: str | None = None,
    ) -> str:
        """Crop `height` × `width` from offset `margin` on the two `axes`."""
        edge = self.integers(margin)
        ends = [self.add("Add", side, edge) for side in (height, width)]
        end = self.add("Concat", *ends, axis=0)
        start = self.integers(margin, margin)
        return self.add("Slice", x, start, end, self.integers(*axes), out=out)

    def upsample(self, x: str, layer: Upsample) -> str:
        scales = self.constant([1, 1, layer.factor, layer.factor])
        if layer.mode == "nearest":
            return self.add(
                "Resize",
                x,
                "",
                scales,
                mode="nearest",
                coordinate_transformation_mode="asymmetric",
                nearest_mode="floor",
            )
        return self.add("Resize", x, "", scales, mode="linear")


@lru_cache(maxsize=256, typed=True)
def _attribute(key: str, value: Any) -> onnx.AttributeProto:
    """The same few come again and again, and take longer to make than the nodes."""
    return helper.make_attribute(key, value)
