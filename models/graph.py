"""The ONNX graph of an architecture: uint8 RGB HWC in and out (the contract in card.py).

Written op by op rather than traced, since what surrounds the convolutions (padding, casts,
layout) costs as much as they do: bytes are padded and cropped as bytes, the scaling by 255
is folded into the first and last convolution when the runtime loads the graph, and strength
multiplies the residual while it is still small.
"""

import math
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from models import architecture as arch
from models.architecture import Architecture, Weights
from models.card import METADATA_KEY, StyleCard
from models.layers import Conv, Relu, Residual, Shuffle, Upsample

OPSET = 18
IR_VERSION = 8
ARCHITECTURE_KEY = "architecture"


class GraphWriter:
    """Collects nodes and constants; every method gives the name of what it made."""

    def __init__(self, weights: Weights) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, onnx.TensorProto] = {
            name: numpy_helper.from_array(np.ascontiguousarray(array, np.float32), name)
            for name, array in weights.items()
        }

    def add(self, op: str, *inputs: str, out: str | None = None, **attributes: Any) -> str:
        name = out or f"{op.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, list(inputs), [name], name=name, **attributes))
        return name

    def constant(self, value: Any, dtype: Any = np.float32) -> str:
        array = np.asarray(value, dtype)
        name = f"c_{array.dtype}_{array.shape}_{array.tolist()}".replace(" ", "")
        self.constants.setdefault(name, numpy_helper.from_array(array, name))
        return name

    def integers(self, *values: int) -> str:
        return self.constant(list(values), np.int64)

    def conv(self, x: str, prefix: str, spec: Conv, *, gain_in: float, gain_out: float) -> str:
        """The convolution for an input that is 1/gain_in times, an output gain_out times as large.

        The products of constants are folded away by the runtime; the stored weights stay those
        of the torch module.
        """
        kernel, bias = f"{prefix}.conv.weight", f"{prefix}.conv.bias"
        if gain_in * gain_out != 1.0:
            kernel = self.add("Mul", kernel, self.constant(gain_in * gain_out))
        if gain_out != 1.0:
            bias = self.add("Mul", bias, self.constant(gain_out))
        group = spec.out if spec.depthwise else 1
        x = self.add(
            "Conv",
            x,
            kernel,
            bias,
            kernel_shape=[spec.kernel] * 2,
            strides=[spec.stride] * 2,
            pads=[spec.padding] * 4,
            group=group,
        )
        if spec.norm == "instance":
            x = self.add("InstanceNormalization", x, f"{prefix}.norm.weight", f"{prefix}.norm.bias")
        assert spec.norm != "batch", "fold batch norm before writing the graph"
        return self.add("Relu", x) if spec.relu else x

    def conv_to_rgb(self, x: str, prefix: str) -> str:
        """A 3×3 convolution to three channels, on an even grid, from 0..1 to 0..255.

        As one of 4×4 with stride 2 to four times the channels, then a shuffle: the same sums,
        but ONNX Runtime pads every convolution to 8 or 16 output channels, and 12 waste less
        than 3 (5 to 7 % of a `fast` generator).
        """
        kernel, bias = f"{prefix}.conv.weight", f"{prefix}.conv.bias"
        gain = self.constant(255.0)
        shifted = []
        for row in (0, 1):
            for column in (0, 1):
                pads = self.integers(0, 0, row, column, 0, 0, 1 - row, 1 - column)
                moved = self.add("Pad", self.add("Mul", kernel, gain), pads)
                shifted.append(self.add("Unsqueeze", moved, self.integers(1)))
        stacked = self.add("Concat", *shifted, axis=1)
        kernels = self.add("Reshape", stacked, self.integers(12, -1, 4, 4))
        column_of_biases = self.add("Reshape", self.add("Mul", bias, gain), self.integers(3, 1))
        spread = self.add("Expand", column_of_biases, self.integers(3, 4))
        biases = self.add("Reshape", spread, self.integers(12))
        x = self.add(
            "Conv", x, kernels, biases, kernel_shape=[4, 4], strides=[2, 2], pads=[1, 1, 1, 1]
        )
        return self.add("DepthToSpace", x, blocksize=2, mode="CRD")

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


def build_graph(
    architecture: Architecture, weights: Weights, card: StyleCard, *, with_strength: bool = True
) -> onnx.ModelProto:
    """The model of a folded architecture and its weights, with card and architecture inside.

    Without strength the graph lacks that input: a fair yardstick for speed.
    """
    writer = GraphWriter(weights)
    padded, height, width = _write_input(writer, architecture)
    strength = "strength" if with_strength else None
    painted = _write_layers(writer, architecture, padded, strength)
    if architecture.residual:
        painted = writer.add("Add", padded, painted)
    elif strength:
        change = writer.add("Mul", writer.add("Sub", painted, padded), strength)
        painted = writer.add("Add", padded, change)
    _write_output(writer, architecture, painted, height, width)
    model = helper.make_model(
        _assemble(writer, with_strength),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="stylecam",
    )
    about = {METADATA_KEY: card.model_dump_json(), ARCHITECTURE_KEY: arch.to_json(architecture)}
    helper.set_model_props(model, about)
    onnx.checker.check_model(model, full_check=True)
    return model


def _write_input(writer: GraphWriter, architecture: Architecture) -> tuple[str, str, str]:
    """Bytes padded by reflection to the grid, then planes of floats 0..255: (1, 3, H', W')."""
    margin, stride = architecture.margin, architecture.stride
    shape = writer.add("Shape", "frame")
    height = writer.add("Slice", shape, writer.integers(0), writer.integers(1))
    width = writer.add("Slice", shape, writer.integers(1), writer.integers(2))
    edge, none = writer.integers(margin), writer.integers(0)
    ends = []
    for side in (height, width):
        total = writer.add("Add", side, writer.integers(2 * margin))
        extra = writer.add("Mod", writer.add("Neg", total), writer.integers(stride))
        ends.append(writer.add("Add", extra, edge))
    pads = writer.add("Concat", edge, edge, none, ends[0], ends[1], none, axis=0)
    padded = writer.add("Pad", "frame", pads, mode="reflect")
    planes = writer.add("Transpose", padded, perm=[2, 0, 1])
    batch = writer.add("Unsqueeze", planes, writer.integers(0))
    return writer.add("Cast", batch, to=TensorProto.FLOAT), height, width


def _write_layers(
    writer: GraphWriter, architecture: Architecture, x: str, strength: str | None
) -> str:
    """The layers in order, from and to 0..255; a residual leaves them times strength.

    That is multiplied in before the last enlargement, where there is least to multiply.
    """
    last = max(i for i, layer in enumerate(architecture.layers) if isinstance(layer, Conv))
    even = architecture.layers[last] == Conv(3, 3) and _enlarged_after(architecture, last) > 1
    for i, layer in enumerate(architecture.layers):
        match layer:
            case Conv() if i == last and even:
                x = writer.conv_to_rgb(x, f"core.{i}")
            case Conv():
                gain_in = 1 / 255 if i == 0 else 1.0
                gain_out = 255.0 if i == last else 1.0
                x = writer.conv(x, f"core.{i}", layer, gain_in=gain_in, gain_out=gain_out)
            case Residual():
                body = x
                for j, conv in enumerate(layer.body):
                    body = writer.conv(body, f"core.{i}.body.{j}", conv, gain_in=1, gain_out=1)
                x = writer.add("Add", x, body)
            case Upsample():
                x = writer.upsample(x, layer)
            case Shuffle():
                x = writer.add("DepthToSpace", x, blocksize=layer.factor, mode="CRD")
            case Relu():
                x = writer.add("Relu", x)
        if i == last and architecture.residual and strength:
            x = writer.add("Mul", x, strength)
    return x


def _enlarged_after(architecture: Architecture, index: int) -> int:
    """By how much the layers after `index` enlarge. More than 1: the grid there has even sides."""
    factors = (x.factor for x in architecture.layers[index + 1 :] if isinstance(x, Upsample))
    factor = math.prod(factors)
    return factor if architecture.stride // factor % 2 == 0 else 1


def _write_output(
    writer: GraphWriter, architecture: Architecture, painted: str, height: str, width: str
) -> None:
    """To bytes, rounded and saturated in one operation; cut off the margin, back to (H, W, 3)."""
    zero = writer.constant(0, np.uint8)
    small = writer.add("QuantizeLinear", painted, writer.constant(1.0), zero)
    margin = writer.integers(architecture.margin)
    starts = writer.integers(architecture.margin, architecture.margin)
    ends = [writer.add("Add", side, margin) for side in (height, width)]
    end = writer.add("Concat", *ends, axis=0)
    cut = writer.add("Slice", small, starts, end, writer.integers(2, 3))
    planes = writer.add("Squeeze", cut, writer.integers(0))
    writer.add("Transpose", planes, perm=[1, 2, 0], out="painted")


def _assemble(writer: GraphWriter, with_strength: bool) -> onnx.GraphProto:
    inputs = [helper.make_tensor_value_info("frame", TensorProto.UINT8, ["height", "width", 3])]
    constants = list(writer.constants.values())
    if with_strength:
        # An initialiser of the same name makes the input optional.
        inputs.append(helper.make_tensor_value_info("strength", TensorProto.FLOAT, [1]))
        constants.append(numpy_helper.from_array(np.ones(1, np.float32), "strength"))
    output = helper.make_tensor_value_info("painted", TensorProto.UINT8, ["height", "width", 3])
    return helper.make_graph(writer.nodes, "generator", inputs, [output], constants)


def read_weights(model: onnx.ModelProto) -> tuple[Architecture, Weights]:
    """The folded architecture and weights that a graph of ours was built from."""
    about = {entry.key: entry.value for entry in model.metadata_props}
    architecture = arch.from_json(about[ARCHITECTURE_KEY])
    names = arch.parameter_shapes(architecture)
    stored = {t.name: t for t in model.graph.initializer if t.name in names}
    return architecture, {name: np.array(numpy_helper.to_array(stored[name])) for name in names}
