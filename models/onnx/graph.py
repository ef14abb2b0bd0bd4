"""The ONNX graph of an architecture: uint8 RGB HWC in and out (the contract in card.py).

The graph is written op by op rather than traced, because the operations around the convolutions
(padding, casts, layout) cost as much as the convolutions. Here, padding and cropping work on
bytes; the runtime folds the scaling by 255 into the first and last convolution when it loads
the graph; and `strength` multiplies the coarse picture while it is still small.
"""

from dataclasses import dataclass

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from pydantic import ValidationError

from models.card import ARCHITECTURE_KEY, METADATA_KEY, StyleCard
from models.errors import ModelError
from models.generator import architecture as arch
from models.generator.architecture import Architecture
from models.generator.layers import Conv, Shuffle, Upsample
from models.generator.parameters import Weights, parameter_shapes
from models.onnx.graph_writer import GraphWriter
from models.onnx.int8_weights import dequantized

OPSET = 18
IR_VERSION = 8  # the one that belongs to opset 18: newer ones shut out older runtimes


def build_graph(
    architecture: Architecture, weights: Weights, card: StyleCard, *, with_strength: bool = True
) -> onnx.ModelProto:
    """The model of a folded architecture and its weights, with card and architecture inside.

    `with_strength=False` leaves out that input, for fair comparisons of speed.
    """
    writer = GraphWriter(weights, architecture.padding)
    padded, height, width = _write_input(writer, architecture)
    strength = "strength" if with_strength else None
    painted = _write_coarse(writer, architecture, padded)  # (1, 3 or 12, H'/f, W'/f)
    if in_blocks(architecture):
        painted = writer.add("DepthToSpace", painted, blocksize=2, mode="DCR")
    if architecture.adds_to_input:
        painted = _write_enlarged(writer, architecture, padded, painted, strength)
    elif strength:
        change = writer.add("Mul", writer.add("Sub", painted, padded), strength)
        painted = writer.add("Add", padded, change)
    small = writer.add("QuantizeLinear", painted, writer.constant(1.0), writer.zero_point(0))
    _write_cut(writer, small, architecture.margin, height, width, out="painted")
    return _model(writer, architecture, card, "painted", with_strength=with_strength)


def build_coarse_graph(
    architecture: Architecture, weights: Weights, card: StyleCard
) -> onnx.ModelProto:
    """The model up to the coarse picture, which it returns as bytes (see CoarseCoding). A model
    that ends in a shuffle has no coarse picture: it returns the finished one, shuffled as bytes.

    (H, W, 3) uint8 to (⌈H/f⌉, ⌈W/f⌉, 3) uint8, f the enlargement. The remaining work costs a
    third as much on bytes outside the runtime as inside it, and can be done for a larger
    picture than the generator saw.
    """
    writer = GraphWriter(weights, architecture.padding)
    coding, factor = coarse_coding(architecture), architecture.upsample_factor
    assert factor > 1 or in_blocks(architecture), "there is no coarse picture to stop at"
    padded, height, width = _write_input(writer, architecture)
    coarse = _write_coarse(writer, architecture, padded)
    step, zero = writer.constant(coding.step), writer.zero_point(coding.zero)
    small = writer.add("QuantizeLinear", coarse, step, zero)
    up, by = writer.integers(factor - 1), writer.integers(factor)
    height, width = (writer.add("Div", writer.add("Add", side, up), by) for side in (height, width))
    margin = architecture.margin // factor
    if in_blocks(architecture):
        rows = writer.shuffle_bytes(small)
        writer.cut(rows, margin, height, width, axes=(0, 1), out="coarse")
    else:
        _write_cut(writer, small, margin, height, width, out="coarse")
    return _model(writer, architecture, card, "coarse", with_strength=False)


@dataclass(frozen=True)
class CoarseCoding:
    """What the bytes of a coarse picture mean: level = step · (byte − zero).

    The finished picture is detail · input + the enlarged levels. One coarse pixel stands for
    `pitch` pixels on each side, perhaps fewer at the end of a row or column."""

    step: float
    zero: int
    detail: float
    pitch: int


WHOLE = CoarseCoding(step=1.0, zero=0, detail=0.0, pitch=1)
"""The coding of a graph that returns the finished picture."""


def coarse_coding(architecture: Architecture) -> CoarseCoding:
    """The coding whose bytes span −255·detail (turns a white input black) to 255."""
    if architecture.upsample_factor == 1:
        return WHOLE
    detail = architecture.detail
    zero = round(255 * detail / (1 + detail))
    return CoarseCoding(1 + detail, zero, detail, architecture.upsample_factor)


def _model(
    writer: GraphWriter,
    architecture: Architecture,
    card: StyleCard,
    out: str,
    *,
    with_strength: bool,
) -> onnx.ModelProto:
    model = helper.make_model(
        _assemble(writer, out, with_strength),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="stylecam",
    )
    about = {METADATA_KEY: card.model_dump_json(), ARCHITECTURE_KEY: arch.to_json(architecture)}
    helper.set_model_props(model, about)
    onnx.checker.check_model(model, full_check=True)
    return model


def _write_input(writer: GraphWriter, architecture: Architecture) -> tuple[str, str, str]:
    """The padded frame as floats 0..255 (1, 3, H', W'), then the frame's height and width.

    The padding reflects bytes: the margin, and up to the next multiple of the stride."""
    margin, stride = architecture.margin, architecture.stride
    shape = writer.add("Shape", "frame")  # (3,): H, W, 3
    height = writer.add("Slice", shape, writer.integers(0), writer.integers(1))  # (1,)
    width = writer.add("Slice", shape, writer.integers(1), writer.integers(2))  # (1,)
    edge, none = writer.integers(margin), writer.integers(0)
    # Reflection padding needs a picture larger than itself: extend small pictures first.
    least = writer.integers(margin + stride)
    added, ends = [], []
    for side in (height, width):
        longer = writer.add("Max", side, least)
        added.append(writer.add("Sub", longer, side))
        total = writer.add("Add", longer, writer.integers(2 * margin))
        # Mod takes the sign of the divisor: −total mod stride is what total lacks to a multiple.
        extra = writer.add("Mod", writer.add("Neg", total), writer.integers(stride))
        ends.append(writer.add("Add", extra, edge))
    # Pads are (top, left, depth before; bottom, right, depth after) of H, W, 3.
    missing = writer.add("Concat", none, none, none, *added, none, axis=0)
    enlarged = writer.add("Pad", "frame", missing, mode="edge")
    around = writer.add("Concat", edge, edge, none, *ends, none, axis=0)
    padded = writer.add("Pad", enlarged, around, mode="reflect")  # (H', W', 3), still bytes
    planes = writer.add("Transpose", padded, perm=[2, 0, 1])  # (3, H', W')
    batch = writer.add("Unsqueeze", planes, writer.integers(0))  # (1, 3, H', W')
    return writer.add("Cast", batch, to=TensorProto.FLOAT), height, width


COLOURS_INNERMOST = tuple(4 * colour + pixel for pixel in range(4) for colour in range(3))
"""Indices that bring the channels before a Shuffle(2), whose four pixels per colour are adjacent,
into the order of `conv_to_rgb`, whose three colours per pixel are adjacent."""


def in_blocks(architecture: Architecture) -> bool:
    """Whether the coarse picture is computed as 12 channels, RGB of 2×2 pixels, to be shuffled:
    its layers end in a Shuffle(2), or `conv_to_rgb` can compute the last convolution that way."""
    last = architecture.coarse[-1]
    grid = architecture.stride // architecture.upsample_factor
    by_itself = last == Conv(3, 3) and grid % 2 == 0
    return _shuffled(architecture) or (architecture.adds_to_input and by_itself)


def _shuffled(architecture: Architecture) -> bool:
    return architecture.coarse[-1] == Shuffle(2)


def _write_coarse(writer: GraphWriter, architecture: Architecture, padded: str) -> str:
    """The coarse picture, input and output 0..255, perhaps `in_blocks`. Without an enlargement:
    what is added to a share of the input, or the finished picture."""
    blocks = in_blocks(architecture)
    layers = architecture.coarse[:-1] if blocks and _shuffled(architecture) else architecture.coarse
    x = writer.add("Sub", padded, writer.constant(127.5)) if architecture.centred else padded
    writer.units[x] = 127.5 if architecture.centred else 255.0
    last = max(i for i, layer in enumerate(layers) if isinstance(layer, Conv))
    for i, layer in enumerate(layers):
        if i == last and isinstance(layer, Conv) and blocks and layer.out == 3:
            x = writer.conv_to_rgb(x, f"core.{i}")
        elif i == last and isinstance(layer, Conv):
            order = COLOURS_INNERMOST if blocks else ()
            x = writer.conv(x, f"core.{i}", layer, gain_out=255.0, order=order)
        else:
            x = writer.layer(x, f"core.{i}", layer)
    kept = architecture.coarse_input_gain
    if not kept:
        return x
    rest = writer.shrunk_rgb(padded, architecture.upsample_factor, kept, in_blocks=blocks)
    return writer.add("Add", x, rest)


def _write_enlarged(
    writer: GraphWriter, architecture: Architecture, padded: str, coarse: str, strength: str | None
) -> str:
    """The picture: the kept share of the input + the enlarged coarse picture. `strength` blends it
    with the input; it multiplies the coarse picture, which has the fewest values."""
    lost = 1 - architecture.input_gain
    if strength:
        coarse = writer.add("Mul", coarse, strength)  # (1, 3, H'/f, W'/f)
    factor = architecture.upsample_factor
    enlarged = writer.upsample(coarse, Upsample(factor)) if factor > 1 else coarse
    if lost and strength:
        # padded · (1 − strength·lost): at strength 0 the whole input, at 1 the kept share.
        share = writer.add("Mul", strength, writer.constant(-lost))
        kept = writer.add("Add", share, writer.constant([1.0]))
        padded = writer.add("Mul", padded, kept)
    elif lost:
        padded = writer.add("Mul", padded, writer.constant(architecture.input_gain))
    return writer.add("Add", padded, enlarged)


def _write_cut(
    writer: GraphWriter, planes: str, margin: int, height: str, width: str, *, out: str
) -> None:
    """Crop the margin from (1, 3, H', W') and transpose to (H, W, 3), as the output `out`."""
    cut = writer.cut(planes, margin, height, width, axes=(2, 3))  # (1, 3, H, W)
    writer.add("Transpose", writer.add("Squeeze", cut, writer.integers(0)), perm=[1, 2, 0], out=out)


def _assemble(writer: GraphWriter, out: str, with_strength: bool) -> onnx.GraphProto:
    inputs = [helper.make_tensor_value_info("frame", TensorProto.UINT8, ["height", "width", 3])]
    constants = list(writer.constants.values())
    if with_strength:
        # An initialiser with an input's name is its default, so the input becomes optional.
        inputs.append(helper.make_tensor_value_info("strength", TensorProto.FLOAT, [1]))
        constants.append(numpy_helper.from_array(np.ones(1, np.float32), "strength"))
    sides = ["height", "width"] if out == "painted" else ["coarse_height", "coarse_width"]
    output = helper.make_tensor_value_info(out, TensorProto.UINT8, [*sides, 3])
    return helper.make_graph(writer.nodes, "generator", inputs, [output], constants)


def frame_graph(model: onnx.ModelProto) -> tuple[onnx.ModelProto, CoarseCoding]:
    """The graph to run frame by frame for a model, and what its output means.

    The graph up to the coarse picture if the model has one and its architecture and weights can
    be read back; otherwise the model itself.
    """
    try:
        architecture, weights = read_weights(model)
    except (KeyError, ModelError):
        return model, WHOLE
    if architecture.upsample_factor == 1 and not in_blocks(architecture):
        return model, WHOLE
    card = StyleCard.model_validate_json(_about(model)[METADATA_KEY])
    return build_coarse_graph(architecture, weights, card), coarse_coding(architecture)


FLOATS = (TensorProto.FLOAT, TensorProto.FLOAT16)


def read_architecture(model: onnx.ModelProto) -> Architecture:
    """The folded architecture that a graph of ours was built from.

    Raises ModelError if another version of stylecam wrote its layers, KeyError for a foreign
    graph.
    """
    about = _about(model)
    try:
        return arch.from_json(about[ARCHITECTURE_KEY])
    except ValidationError:
        name = StyleCard.model_validate_json(about[METADATA_KEY]).name
        raise ModelError(
            f"style {name}: its layers are from another version of stylecam; export it again from "
            "its training"
        ) from None


def read_weights(model: onnx.ModelProto) -> tuple[Architecture, Weights]:
    """The folded architecture and weights that a graph of ours was built from.

    Kernels stored as int8 are dequantised. Raises KeyError if a weight is missing (the graph
    computes in int8, or is foreign), and ModelError as `read_architecture` does.
    """
    architecture = read_architecture(model)
    if StyleCard.model_validate_json(_about(model)[METADATA_KEY]).precision == "int8 weights":
        return architecture, dequantized(model, architecture)
    names = parameter_shapes(architecture)
    stored = {t.name: t for t in model.graph.initializer if t.data_type in FLOATS}
    return architecture, {name: np.array(numpy_helper.to_array(stored[name])) for name in names}


def _about(model: onnx.ModelProto) -> dict[str, str]:
    return {entry.key: entry.value for entry in model.metadata_props}
