"""The graph of a `dense` generator in ONNX Runtime's blocked layout, for CPUs.

ONNX Runtime convolves with the channels in blocks as wide as the processor's registers (NCHWc).
It brings graphs into that layout by itself when it loads them, but not past a Pad: convolutions
that repeat the outermost values would convert forth and back, each time. Here the nodes are
written in that layout from the start, as the runtime writes them into its optimised graphs
(domain com.microsoft.nchwc). Values keep the shape (1, C, H, W); in memory they are
(C / block, H, W, block), and padding works on this five-dimensional view.

The domain is the runtime's own affair, so `usable_block` first tries whether it is there and
paints the same.
"""

from functools import cache
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper

from models.card import StyleCard
from models.errors import ModelError
from models.generator.architecture import Architecture, convolutions, dense, folded
from models.generator.layers import Conv, Layer, Relu, Residual, Shuffle, Upsample
from models.generator.parameters import Weights, random_weights
from models.onnx.blocked_frames import SIDE, WORD, BlockedFrames
from models.onnx.graph import IR_VERSION, OPSET, build_coarse_graph, read_weights
from models.onnx.graph_writer import GraphWriter
from models.onnx.session import SessionSettings, cpu_session, session_options

DOMAIN = "com.microsoft.nchwc"
HEAD = (Upsample(2), Relu(), Conv(12, 3), Shuffle(2))
SMOOTH = np.outer([0.25, 0.5, 0.25], [0.25, 0.5, 0.25]).astype(np.float32)
"""A bilinear enlargement by 2 is one by repetition, followed by this average."""
SILENT = 4
"""As log severity: a runtime without the domain is no error."""


def blocked_generator(model: onnx.ModelProto) -> tuple[onnx.ModelProto, BlockedFrames] | None:
    """The blocked graph for a model file, and what brings frames in and out.

    None if this runtime has no such layout, or the generator is not made for it.
    """
    try:
        architecture, weights = read_weights(model)
    except (KeyError, ModelError):
        return None
    if not is_suitable(architecture) or (block := usable_block()) is None:
        return None
    graph = build_blocked_graph(architecture, weights, block)
    return graph, BlockedFrames(block, architecture.stride, _edge(architecture))


def is_suitable(architecture: Architecture) -> bool:
    """Whether the graph of a (folded) architecture can be written in the blocked layout."""
    convs = [placed.conv for placed in convolutions(architecture)]
    return (
        architecture.padding == "replicate"
        and architecture.margin == 0
        and architecture.stride % SIDE == 0
        and not architecture.adds_to_input
        and isinstance(architecture.layers[0], Conv)
        and architecture.layers[-len(HEAD) :] == HEAD
        and all(conv.norm == "none" and not conv.depthwise for conv in convs)
    )


@cache
def usable_block() -> int | None:
    """Channels in a block of this runtime; None if it cannot paint in that layout."""
    block = _block()
    return block if block is not None and _paints_alike(block) else None


def _block() -> int | None:
    """The place in memory of the second of two pixels: as many values come before it as a block
    has channels."""
    writer = GraphWriter({})
    blocked = writer.add("ReorderInput", "pixels", domain=DOMAIN)
    writer.add("Reshape", blocked, writer.integers(-1), out="memory")
    pixels = helper.make_tensor_value_info("pixels", TensorProto.FLOAT, [1, 64, 1, 2])
    memory = helper.make_tensor_value_info("memory", TensorProto.FLOAT, [128])
    numbers = np.zeros((1, 64, 1, 2), np.float32)
    numbers[..., 1] = 1
    order = _tried(_model(writer, [pixels], [memory]), {"pixels": numbers})
    if order is None:
        return None
    block = int(np.argmax(order))
    return block if block >= WORD and 3 * SIDE**2 % block == 0 else None


def _paints_alike(block: int) -> bool:
    """Whether a small generator paints a small picture as it does in the usual layout."""
    architecture = folded(dense(0.25))
    weights = random_weights(architecture, seed=0)
    card = StyleCard(
        name="trial", title="Trial", architecture="dense", alpha=0.25, stride=8, parameters=1
    )
    usual = build_coarse_graph(architecture, weights, card)
    picture = np.random.default_rng(0).integers(0, 256, (40, 48, 3), np.uint8)
    frames = BlockedFrames(block, architecture.stride, _edge(architecture))
    graph = build_blocked_graph(architecture, weights, block)
    blocks = _tried(graph, {frames.input: frames.given(picture)})
    if blocks is None:
        return False
    (expected,) = cpu_session(usual).run(None, {"frame": picture})
    return bool(np.abs(frames.picture(blocks, picture).astype(int) - expected).max() <= 1)


def _tried(model: onnx.ModelProto, feed: dict[str, NDArray[Any]]) -> NDArray[Any] | None:
    """The output of a graph that this runtime may not know; None then."""
    options = session_options(SessionSettings(threads=1))
    options.log_severity_level = SILENT
    try:
        (output,) = cpu_session(model, options).run(None, feed)
    except Exception:  # pybind's exceptions share no base that ORT exports
        return None
    return np.asarray(output)


def build_blocked_graph(
    architecture: Architecture, weights: Weights, block: int
) -> onnx.ModelProto:
    """The model from `planes` to `blocks` (see BlockedFrames) of an architecture that suits."""
    assert is_suitable(architecture), architecture.name
    writer = BlockedWriter(weights, block)
    body = architecture.layers[: -len(HEAD)]
    x = writer.stem(body[0], centred=architecture.centred)
    for i, layer in enumerate(body[1:], 1):
        x = writer.layer(x, f"core.{i}", layer)
    writer.head(x, f"core.{len(body) + 2}")
    planes = helper.make_tensor_value_info("planes", TensorProto.FLOAT, [1, 3, "height", "width"])
    sides = ["block_rows", "block_columns"]
    blocks = helper.make_tensor_value_info("blocks", TensorProto.UINT8, [1, 3 * SIDE**2, *sides])
    return _model(writer.graph, [planes], [blocks])


class BlockedWriter:
    """Writes layers in the blocked layout into `graph`; channels are filled up to whole blocks."""

    def __init__(self, weights: Weights, block: int) -> None:
        self.graph = GraphWriter({})
        self._weights, self._block = weights, block
        self._channels: dict[str, int] = {}

    def stem(self, layer: Layer, *, centred: bool) -> str:
        """The first convolution, of planes 0..255 that are padded already."""
        assert isinstance(layer, Conv)
        kernel, bias = self._read("core.0")
        kernel = kernel * ((2 if centred else 1) / 255)
        if centred:  # the middle of 0..255 is repeated beyond the edges, too
            bias = bias - 127.5 * kernel.sum((1, 2, 3))
        blocks = self._in_blocks(kernel.transpose(0, 2, 3, 1), axis=0)  # (O, kh, kw, 3), O blocked
        ordered = blocks.transpose(0, 4, 2, 3, 1)  # (O / block, 3, kh, kw, block)
        return self._conv("planes", layer, ordered, bias, channels_in=3)

    def layer(self, x: str, prefix: str, layer: Layer, plus: str | None = None) -> str:
        """Any layer of the body; a convolution also adds the value `plus`."""
        match layer:
            case Conv():
                padded = self.pad(x, layer.padding) if layer.padding else x
                adapt = self._adaptation(x, prefix) if layer.adaptive else None
                return self.conv(padded, layer, *self._read(prefix), plus=plus, adapt=adapt)
            case Residual():
                return self._residual(x, prefix, layer)
            case Upsample():
                return self._enlarged(x, "linear")
            case Relu():
                return self._keeping_channels(x, "Relu", x)
            case Shuffle():
                raise AssertionError("a shuffle is only in the head")

    def _residual(self, x: str, prefix: str, layer: Residual) -> str:
        body, last = x, len(layer.body) - 1
        into_conv = isinstance(layer.body[last], Conv)
        for i, inner in enumerate(layer.body):
            plus = x if i == last and into_conv else None
            body = self.layer(body, f"{prefix}.body.{i}", inner, plus)
        return body if into_conv else self._keeping_channels(x, "Add", x, body)

    def head(self, x: str, prefix: str) -> None:
        """HEAD, up to bytes, its last convolution with parameters `prefix`.

        Padded once while it is small. The last convolution, 3×3 to the four pixels of a block of
        2×2, is written as one of 4×4 with stride 2 to the pixels of a block of 4×4: its 48 channels
        fill the registers, and are shuffled in longer runs.
        """
        large = self._enlarged(self.pad(x, 1), "nearest")
        channels = self._channels[x]
        average = np.broadcast_to(
            SMOOTH[None, :, :, None], (channels // self._block, 3, 3, self._block)
        ).reshape(channels, 1, 3, 3)
        smooth = Conv(channels, 3, depthwise=True, relu=True)
        large = self._conv(large, smooth, average, np.zeros(channels, np.float32), channels_in=1)
        kernel, bias = self._read(prefix)
        kernels = np.zeros((2, 2, 2, 2, 3, kernel.shape[1], 4, 4), np.float32)
        biases = np.zeros((2, 2, 2, 2, 3), np.float32)
        for row, sub_row, column, sub_column in np.ndindex(2, 2, 2, 2):
            pixel = slice(2 * sub_row + sub_column, None, 4)  # of the three colours
            at = (row, sub_row, column, sub_column)
            kernels[*at, :, :, row : row + 3, column : column + 3] = kernel[pixel]
            biases[at] = bias[pixel]
        shape = (3 * SIDE**2, kernel.shape[1], 4, 4)
        rgb = self.conv(
            large, Conv(shape[0], 4, stride=2), kernels.reshape(shape) * 255, biases.ravel() * 255
        )
        step, zero = self.graph.constant(1.0), self.graph.zero_point(0)
        self.graph.add("QuantizeLinear", rgb, step, zero, out="blocks")

    def _adaptation(self, x: str, prefix: str) -> tuple[str, str]:
        """Gains and shifts, (O,) each, of the adaptive convolution `prefix` of `x`."""
        kernel, bias = (self._weights[f"{prefix}.adapt.{part}"] for part in ("weight", "bias"))
        halves = [
            self._in_blocks(half, axis=0).reshape(-1, *half.shape[1:])
            for both in (kernel, bias)
            for half in np.split(np.asarray(both, np.float32), 2)
        ]
        channels = len(halves[0])
        means = self._keeping_channels(x, "GlobalAveragePool", x, domain=DOMAIN)
        to_both = Conv(2 * channels, 1)
        both = self.conv(means, to_both, np.concatenate(halves[:2]), np.concatenate(halves[2:]))
        flat = self.graph.add("Reshape", both, self.graph.integers(-1))
        start, middle, end = (self.graph.integers(i * channels) for i in range(3))
        gain = self.graph.add("Slice", flat, start, middle)
        return gain, self.graph.add("Slice", flat, middle, end)

    def pad(self, x: str, edge: int) -> str:
        """Repeat the outermost values `edge` times on each side."""
        channels, block = self._channels[x], self._block
        memory = self.graph.integers(0, channels // block, 0, 0, block)
        pads = self.graph.integers(*[0, 0, edge, edge, 0] * 2)
        padded = self.graph.add("Pad", self.graph.add("Reshape", x, memory), pads, mode="edge")
        shape = self.graph.integers(0, channels, 0, 0)
        return self._with_channels(channels, self.graph.add("Reshape", padded, shape))

    def conv(
        self,
        x: str,
        spec: Conv,
        kernel: NDArray[np.float32],
        bias: NDArray[np.float32],
        *,
        plus: str | None = None,
        adapt: tuple[str, str] | None = None,
    ) -> str:
        """A convolution of padded values by kernel (O, I, kh, kw) and bias (O,); `adapt`: its gains
        and shifts."""
        into = self._in_blocks(kernel, axis=0)  # (O / block, block, I, kh, kw)
        both = self._in_blocks(into, axis=2)  # (O / block, block, I / block, block, kh, kw)
        ordered = both.transpose(0, 2, 4, 5, 3, 1)
        channels_in = self._channels[x]
        return self._conv(x, spec, ordered, bias, channels_in=channels_in, plus=plus, adapt=adapt)

    def _conv(
        self,
        x: str,
        spec: Conv,
        ordered: NDArray[np.float32],
        bias: NDArray[np.float32],
        *,
        channels_in: int,
        plus: str | None = None,
        adapt: tuple[str, str] | None = None,
    ) -> str:
        """A convolution by a kernel in the layout's order."""
        biases = self._in_blocks(bias, axis=0).ravel()
        kernel = ordered.reshape(biases.size, channels_in, spec.kernel, spec.kernel)
        return self._with_channels(
            biases.size,
            self.graph.add(
                "Conv",
                x,
                *self._parameters(np.ascontiguousarray(kernel), biases, adapt),
                *([plus] if plus else []),
                domain=DOMAIN,
                kernel_shape=[spec.kernel] * 2,
                strides=[spec.stride] * 2,
                pads=[0] * 4,
                group=biases.size if spec.depthwise else 1,
                **({"activation": "Relu"} if spec.relu else {}),
            ),
        )

    def _parameters(
        self,
        kernel: NDArray[np.float32],
        bias: NDArray[np.float32],
        adapt: tuple[str, str] | None,
    ) -> tuple[str, str]:
        """Kernel and bias as the convolution gets them. They are adapted, not what comes out: they
        are hundreds of times smaller."""
        kernels, biases = self.graph.constant(kernel), self.graph.constant(bias)
        if adapt is None:
            return kernels, biases
        gain, shift = adapt
        block, graph = self._block, self.graph
        by_place = graph.add("Reshape", kernels, graph.integers(len(bias) // block, -1, block))
        per_block = graph.add("Reshape", gain, graph.integers(len(bias) // block, 1, block))
        scaled = graph.add("Mul", by_place, per_block)
        kernels = graph.add("Reshape", scaled, graph.integers(*kernel.shape))
        return kernels, graph.add("Add", graph.add("Mul", biases, gain), shift)

    def _enlarged(self, x: str, mode: str) -> str:
        way = "half_pixel" if mode == "linear" else "asymmetric"
        return self._keeping_channels(
            *(x, "Upsample", x),
            domain=DOMAIN,
            scales=[1, 1, 2, 2],
            mode=mode,
            coordinate_transformation_mode=way,
        )

    def _keeping_channels(self, like: str, op: str, *inputs: str, **attributes: Any) -> str:
        return self._with_channels(self._channels[like], self.graph.add(op, *inputs, **attributes))

    def _with_channels(self, channels: int, value: str) -> str:
        self._channels[value] = channels
        return value

    def _in_blocks(self, array: NDArray[np.float32], axis: int) -> NDArray[np.float32]:
        """`axis` filled up with zeros and split into two: blocks, and places in a block."""
        size = array.shape[axis]
        blocks = -(-size // self._block)
        shape = (*array.shape[:axis], blocks, self._block, *array.shape[axis + 1 :])
        if size == blocks * self._block:  # padding by nothing takes longer than all the rest
            return np.asarray(array, np.float32).reshape(shape)
        missing = [(0, 0)] * array.ndim
        missing[axis] = (0, blocks * self._block - size)
        return np.pad(np.asarray(array, np.float32), missing).reshape(shape)

    def _read(self, prefix: str) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        kernel, bias = (self._weights[f"{prefix}.conv.{part}"] for part in ("weight", "bias"))
        return np.asarray(kernel, np.float32), np.asarray(bias, np.float32)


def _edge(architecture: Architecture) -> int:
    first = architecture.layers[0]
    assert isinstance(first, Conv)
    return first.padding


def _model(
    writer: GraphWriter, inputs: list[onnx.ValueInfoProto], outputs: list[onnx.ValueInfoProto]
) -> onnx.ModelProto:
    constants = list(writer.constants.values())
    graph = helper.make_graph(writer.nodes, "blocked generator", inputs, outputs, constants)
    domains = [helper.make_opsetid("", OPSET), helper.make_opsetid(DOMAIN, 1)]
    return helper.make_model(graph, opset_imports=domains, ir_version=IR_VERSION)
