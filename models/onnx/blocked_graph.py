"""The graph of a `dense` generator in ONNX Runtime's blocked layout, for CPUs.

ONNX Runtime convolves with the channels in blocks as wide as the processor's registers (NCHWc).
It brings graphs into that layout by itself when it loads them, but not past a Pad: convolutions
that repeat the outermost values would convert forth and back, each time. Here the nodes are
written in that layout from the start, as the runtime writes them into its optimised graphs
(domain com.microsoft.nchwc; blocked_writer.py).

The domain is the runtime's own affair, so `usable_block` first tries whether it is there and
paints the same.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import groupby
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper

from models.card import StyleCard
from models.errors import ModelError
from models.generator.architecture import Architecture, PlacedConv, convolutions, dense, folded
from models.generator.layers import Conv, Layer, Relu, Residual, Shuffle, Upsample
from models.generator.parameters import Weights, random_weights
from models.onnx.blocked_frames import SIDE, WORD, BlockedFrames
from models.onnx.blocked_writer import DOMAIN, BlockedWriter
from models.onnx.graph import IR_VERSION, OPSET, build_coarse_graph, read_weights
from models.onnx.graph_writer import GraphWriter
from models.onnx.session import SessionSettings, cpu_session, session_options
from models.onnx.winograd import WinogradWriter, has_even_columns, is_pointwise, pays

END = (Relu(), Conv(12, 3), Shuffle(2))
SMOOTH = np.outer([0.25, 0.5, 0.25], [0.25, 0.5, 0.25]).astype(np.float32)
"""A bilinear enlargement by 2 is one by repetition, followed by this average."""
TRIAL = folded(dense(quarter=8, eighth=48, blocks=1, quarter_blocks=0, head_width=8))
TRIAL_WIDTHS = (48, 40)
"""With an even number of columns at an eighth, for Winograd's products, and with an odd one."""
SILENT = 4
"""As log severity: a runtime without the domain is no error."""


@dataclass(frozen=True)
class BlockedGenerator:
    """A (folded) generator that suits, and graphs of it in blocks of so many channels.

    A graph of `step` s paints pictures whose width, filled up to whole strides, is a multiple of s.
    That of one stride paints all pictures; that of two may be faster (winograd.py).
    """

    architecture: Architecture
    weights: Weights
    block: int

    @property
    def frames(self) -> BlockedFrames:
        """Brings frames into the graphs and pictures out of them."""
        return BlockedFrames(self.block, self.architecture.stride, self._parts.stem.padding)

    @cached_property
    def _parts(self) -> "Parts":
        parts = parts_of(self.architecture)
        assert parts is not None
        return parts

    def step(self, width: int) -> int:
        """That of the fastest graph for pictures of a width."""
        stride = self.architecture.stride
        strides = -(-width // stride)
        return 2 * stride if self._gains_by_even_strides and strides % 2 == 0 else stride

    @cached_property
    def _gains_by_even_strides(self) -> bool:
        return any(
            pays(placed) and not has_even_columns(placed, self.architecture.stride)
            for placed in convolutions(self.architecture)
        )

    def graph(self, step: int) -> onnx.ModelProto:
        """The model from `planes` to `blocks` (see BlockedFrames)."""
        writer = GeneratorWriter(self.architecture, self.weights, self.block, step)
        parts = self._parts
        x = writer.of_planes(f"{parts.prefix}.0", parts.stem, relu=parts.stem.relu)
        x = writer.layers(
            x, [(f"{parts.prefix}.{i}", each) for i, each in enumerate(parts.body, 1)]
        )
        if parts.shortcut is not None:
            large = writer.with_shortcut(x, "core.0.shortcut", parts.shortcut)
        else:
            large = writer.enlarged(x)
        writer.end(large, f"core.{len(self.architecture.layers) - len(END) + 1}")
        sides, squares = ["height", "width"], ["block_rows", "block_columns"]
        planes = helper.make_tensor_value_info("planes", TensorProto.FLOAT, [1, 3, *sides])
        blocks = helper.make_tensor_value_info(
            "blocks", TensorProto.UINT8, [1, 3 * SIDE**2, *squares]
        )
        return _model(writer.graph, [planes], [blocks])


def read_blocked(model: onnx.ModelProto) -> BlockedGenerator | None:
    """The generator in a model file. None if this runtime has no such layout, or the generator is
    not made for it."""
    try:
        architecture, weights = read_weights(model)
    except (KeyError, ModelError):
        return None
    if not is_suitable(architecture) or (block := usable_block()) is None:
        return None
    return BlockedGenerator(architecture, weights, block)


def blocked_generator(model: onnx.ModelProto) -> tuple[onnx.ModelProto, BlockedFrames] | None:
    """The blocked graph for all pictures of a model file, and what brings frames in and out. None
    where `read_blocked` gives none."""
    if (found := read_blocked(model)) is None:
        return None
    return found.graph(found.architecture.stride), found.frames


def is_suitable(architecture: Architecture) -> bool:
    """Whether the graph of a (folded) architecture can be written in the blocked layout."""
    convs = [placed.conv for placed in convolutions(architecture)]
    return (
        architecture.padding == "replicate"
        and architecture.margin == 0
        and architecture.stride % SIDE == 0
        and not architecture.adds_to_input
        and parts_of(architecture) is not None
        and all(conv.norm == "none" and not conv.depthwise for conv in convs)
    )


@dataclass(frozen=True)
class Parts:
    """`stem` and `shortcut` see the picture; the body sees the stem; what the body gives, enlarged
    by 2, and the shortcut are added and go through END. Parameters of stem and body begin with
    `prefix`."""

    prefix: str
    stem: Conv
    body: tuple[Layer, ...]
    shortcut: Conv | None


def parts_of(architecture: Architecture) -> Parts | None:
    """The parts of an architecture; None if it has other ones."""
    layers, end = architecture.layers[: -len(END)], architecture.layers[-len(END) :]
    prefix, shortcut = "core", None
    first = layers[0] if layers else None
    if len(layers) == 1 and isinstance(first, Residual) and first.shortcut is not None:
        prefix, layers, shortcut = "core.0.body", first.body, first.shortcut
    if end != END or len(layers) < 2 or layers[-1] != Upsample(2):
        return None
    stem, *body = layers[:-1]
    if not isinstance(stem, Conv) or stem.adaptive:
        return None
    if shortcut and (shortcut.adaptive or (shortcut.stride, shortcut.padding) != (2, stem.padding)):
        return None
    return Parts(prefix, stem, tuple(body), shortcut)


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
    """Whether a small generator paints small pictures as it does in the usual layout."""
    trial = BlockedGenerator(TRIAL, random_weights(TRIAL, seed=0), block)
    card = StyleCard(
        name="trial", title="Trial", architecture="dense", alpha=1, stride=8, parameters=1
    )
    usual = cpu_session(build_coarse_graph(TRIAL, trial.weights, card))
    frames, random = trial.frames, np.random.default_rng(0)
    for width in TRIAL_WIDTHS:
        picture = random.integers(0, 256, (40, width, 3), np.uint8)
        graph = trial.graph(trial.step(width))
        blocks = _tried(graph, {frames.input: frames.given(picture)})
        if blocks is None:
            return False
        (expected,) = usual.run(None, {"frame": picture})
        if np.abs(frames.picture(blocks, picture).astype(int) - expected).max() > 1:
            return False
    return True


def _tried(model: onnx.ModelProto, feed: dict[str, NDArray[Any]]) -> NDArray[Any] | None:
    """The output of a graph that this runtime may not know; None then."""
    options = session_options(SessionSettings(threads=1), optimise=False)
    options.log_severity_level = SILENT
    try:
        (output,) = cpu_session(model, options).run(None, feed)
    except Exception:  # pybind's exceptions share no base that ORT exports
        return None
    return np.asarray(output)


class GeneratorWriter:
    """Writes the layers of an architecture through `writer`."""

    def __init__(self, architecture: Architecture, weights: Weights, block: int, step: int) -> None:
        self.writer = BlockedWriter(weights, block)
        self.graph = self.writer.graph
        self._winograd = WinogradWriter(self.writer)
        self._step, self._centred = step, architecture.centred
        self._places = {placed.prefix: placed for placed in convolutions(architecture)}

    def of_planes(self, prefix: str, layer: Conv, *, relu: bool, plus: str | None = None) -> str:
        """A convolution of the planes 0..255, which are padded already; it also adds `plus`, before
        the ReLU."""
        kernel, bias = self.writer.read(prefix)
        kernel = kernel * ((2 if self._centred else 1) / 255)
        if self._centred:  # the middle of 0..255 is repeated beyond the edges, too
            bias = bias - 127.5 * kernel.sum((1, 2, 3))
        kernels, biases = self.writer.planes_kernel(kernel), self.writer.bias(bias)
        stride = (layer.stride, layer.stride)
        return self.writer.conv("planes", kernels, biases, stride=stride, relu=relu, plus=plus)

    def layers(self, x: str, layers: Iterable[tuple[str, Layer]]) -> str:
        """Layers of the body, with their prefixes; runs of them by Winograd's products, where that
        can be done and pays."""
        for fit, together in groupby(layers, self._fits):
            run = list(together)
            convs = [conv for layer in run for conv in self._convolutions(*layer)]
            if fit and any(map(pays, convs)):
                x = self._winograd.run(x, run)
                continue
            for prefix, layer in run:
                x = self._layer(x, prefix, layer)
        return x

    def _fits(self, placed: tuple[str, Layer]) -> bool:
        """Whether a layer can be part of a run by Winograd's products, and is not slower there."""
        prefix, layer = placed
        convs = self._convolutions(prefix, layer)
        return (
            isinstance(layer, Conv)
            or (isinstance(layer, Residual) and all(isinstance(x, Conv) for x in layer.body))
        ) and all(
            has_even_columns(conv, self._step) and (pays(conv) or is_pointwise(conv))
            for conv in convs
        )

    def _convolutions(self, prefix: str, layer: Layer) -> list[PlacedConv]:
        """The layer itself, or those in it."""
        match layer:
            case Conv():
                return [self._places[prefix]]
            case Residual():
                inner = [(f"{prefix}.body.{i}", each) for i, each in enumerate(layer.body)]
                return [conv for each in inner for conv in self._convolutions(*each)]
            case _:
                return []

    def _layer(self, x: str, prefix: str, layer: Layer, plus: str | None = None) -> str:
        """Any layer of the body; a convolution also adds the value `plus`."""
        match layer:
            case Conv():
                return self._conv(x, prefix, layer, plus)
            case Residual():
                return self._residual(x, prefix, layer)
            case Upsample():
                return self.writer.enlarged(x, "linear")
            case Relu():
                return self.writer.alike(x, "Relu", x)
            case Shuffle():
                raise AssertionError("a shuffle is only in the head")

    def _conv(self, x: str, prefix: str, layer: Conv, plus: str | None) -> str:
        writer = self.writer
        kernel, biases = writer.read(prefix)
        if layer.adaptive:
            gain, bias = writer.adaptation(prefix, writer.means(x))
        else:
            gain, bias = None, writer.bias(biases)
        return writer.conv(
            writer.pad(x, layer.padding) if layer.padding else x,
            writer.kernel(kernel, gain),
            bias,
            stride=(layer.stride, layer.stride),
            relu=layer.relu,
            plus=plus,
        )

    def _residual(self, x: str, prefix: str, layer: Residual) -> str:
        body = [(f"{prefix}.body.{i}", inner) for i, inner in enumerate(layer.body)]
        last_prefix, last = body[-1]
        if isinstance(last, Conv):
            return self._layer(self.layers(x, body[:-1]), last_prefix, last, plus=x)
        return self.writer.alike(x, "Add", x, self.layers(x, body))

    def with_shortcut(self, x: str, prefix: str, shortcut: Conv) -> str:
        """`x` enlarged by 2, plus the shortcut, through the ReLU and padded for the last
        convolution."""
        large = self.writer.enlarged(x, "linear")
        return self.writer.pad(self.of_planes(prefix, shortcut, relu=True, plus=large), 1)

    def enlarged(self, x: str) -> str:
        """`x` enlarged by 2, through the ReLU and padded for the last convolution: padded while it
        is small."""
        large = self.writer.enlarged(self.writer.pad(x, 1), "nearest")
        smooth = self.writer.depthwise_kernel(SMOOTH, self.writer.channels[x])
        return self.writer.conv(large, smooth, relu=True)

    def end(self, large: str, prefix: str) -> None:
        """The last convolution, with parameters `prefix`, of padded values, up to bytes.

        3×3 to the four pixels of a block of 2×2, it is written as one of 4×4 with stride 2 to the
        pixels of a block of 4×4: its 48 channels fill the registers, and are shuffled in longer
        runs.
        """
        writer = self.writer
        kernel, bias = writer.read(prefix)
        kernels = np.zeros((2, 2, 2, 2, 3, kernel.shape[1], 4, 4), np.float32)
        biases = np.zeros((2, 2, 2, 2, 3), np.float32)
        for row, sub_row, column, sub_column in np.ndindex(2, 2, 2, 2):
            pixel = slice(2 * sub_row + sub_column, None, 4)  # of the three colours
            at = (row, sub_row, column, sub_column)
            kernels[*at, :, :, row : row + 3, column : column + 3] = kernel[pixel]
            biases[at] = bias[pixel]
        to_squares = writer.kernel(kernels.reshape(3 * SIDE**2, kernel.shape[1], 4, 4) * 255)
        rgb = writer.conv(large, to_squares, writer.bias(biases.ravel() * 255), stride=(2, 2))
        graph = writer.graph
        graph.add("QuantizeLinear", rgb, graph.constant(1.0), graph.zero_point(0), out="blocks")


def _model(
    writer: GraphWriter, inputs: list[onnx.ValueInfoProto], outputs: list[onnx.ValueInfoProto]
) -> onnx.ModelProto:
    constants, shapes = list(writer.constants.values()), writer.told_shapes()
    graph = helper.make_graph(
        writer.nodes, "blocked generator", inputs, outputs, constants, value_info=shapes
    )
    domains = [helper.make_opsetid("", OPSET), helper.make_opsetid(DOMAIN, 1)]
    return helper.make_model(graph, opset_imports=domains, ir_version=IR_VERSION)
