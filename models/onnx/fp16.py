"""Makes a half-precision generator from the fp32 graph, and checks it against that graph."""

import math
from dataclasses import dataclass

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from models.errors import ModelError
from models.pictures import RGB

MEAN_LIMIT = 2.0
"""The mean difference of a half-precision picture must be below this many levels of 255."""

HOLE = 64
"""A value that is off by more levels is a hole (NaN or overflow), not a rounding error."""

HOLES_LIMIT = 1e-3


@dataclass(frozen=True)
class PictureDifference:
    """How far two pictures differ, in levels of 255. `psnr` is in dB, inf if they are equal.

    `holes` is the share of values that are off by more than HOLE.
    """

    mean: float
    maximum: int
    psnr: float
    holes: float

    @property
    def acceptable(self) -> bool:
        return self.mean < MEAN_LIMIT and self.holes <= HOLES_LIMIT

    def __str__(self) -> str:
        return f"mean {self.mean:.3f}, max {self.maximum} of 255, PSNR {self.psnr:.1f} dB"


def picture_difference(a: RGB, b: RGB) -> PictureDifference:
    """The difference of two pictures of the same size."""
    off = np.abs(a.astype(np.int16) - b.astype(np.int16))
    squared = float((off.astype(np.float64) ** 2).mean())
    psnr = 10 * math.log10(255**2 / squared) if squared else math.inf
    return PictureDifference(float(off.mean()), int(off.max()), psnr, float((off > HOLE).mean()))


def to_half(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same graph with float16 inside; byte input, byte output and strength keep their types.

    onnxruntime.transformers.float16 does something similar, but leaves the nodes in an order
    that ONNX's own checker refuses. Raises ModelError if a weight does not fit float16.
    """
    half = onnx.ModelProto.FromString(model.SerializeToString())
    graph = half.graph
    # Resize needs float32 scales whatever the picture's type; strength is part of the contract.
    kept = {node.input[2] for node in graph.node if node.op_type == "Resize"} | {"strength"}
    to_bytes = _to_bytes(half)
    kept.add(to_bytes.input[1])  # the step: QuantizeLinear is given float32, see `widen` below
    for tensor in graph.initializer:
        if tensor.data_type == TensorProto.FLOAT and tensor.name not in kept:
            tensor.CopyFrom(_half_tensor(tensor))
    for node in graph.node:
        if node.op_type == "Cast" and node.attribute[0].i == TensorProto.FLOAT:
            node.attribute[0].i = TensorProto.FLOAT16
        for i, name in enumerate(node.input):
            if name == "strength":
                node.input[i] = "strength_half"
    if any(entry.name == "strength" for entry in graph.input):
        cast = helper.make_node("Cast", ["strength"], ["strength_half"], to=TensorProto.FLOAT16)
        graph.node.insert(0, cast)
    widen = helper.make_node("Cast", [to_bytes.input[0]], ["painted_full"], to=TensorProto.FLOAT)
    graph.node.insert(list(graph.node).index(to_bytes), widen)
    to_bytes.input[0] = "painted_full"
    onnx.checker.check_model(half, full_check=True)
    return half


def is_half(model: onnx.ModelProto) -> bool:
    """Whether the graph computes in float16. (Graphs with int8 kernels only store scales in it.)"""
    casts = (node.attribute[0].i for node in model.graph.node if node.op_type == "Cast")
    return TensorProto.FLOAT16 in casts


def _half_tensor(tensor: TensorProto) -> TensorProto:
    full = numpy_helper.to_array(tensor)
    with np.errstate(over="ignore"):
        half = full.astype(np.float16)
    if not np.isfinite(half).all():
        peak = float(np.abs(full).max())
        raise ModelError(f"weight {tensor.name!r} reaches {peak:.3g}, more than float16 holds")
    return numpy_helper.from_array(half, tensor.name)


def probe_picture(side: int = 64) -> RGB:
    """The picture that checks paint: ramps, hard edges, noise, pure black, white, red and blue."""
    ramp = np.linspace(0, 255, side, dtype=np.uint8)
    picture = np.stack([np.tile(ramp, (side, 1)), np.tile(ramp[:, None], (1, side))], axis=-1)
    picture = np.concatenate([picture, np.full((side, side, 1), 128, np.uint8)], axis=-1)
    quarter = side // 4
    noise = np.random.default_rng(0).integers(0, 256, (quarter, quarter, 3), dtype=np.uint8)
    picture[:quarter, :quarter] = noise
    picture[:quarter, quarter : 2 * quarter] = (np.indices((quarter, quarter)).sum(0) % 2)[
        ..., None
    ] * np.uint8(255)
    for i, colour in enumerate([(0, 0, 0), (255, 255, 255), (255, 0, 0), (0, 0, 255)]):
        picture[-quarter:, i * quarter : (i + 1) * quarter] = colour
    return picture


def run_reference(model: onnx.ModelProto, picture: RGB) -> RGB:
    """Paint with the graph in its own precision, operator by operator: slow, for checks only.

    On a CPU, ONNX Runtime widens half precision to fp32 between operators. This would hide an
    overflow that a GPU shows; ONNX's reference evaluator does not hide it. Raises ModelError
    for NaN or infinity, which the cast to bytes would hide as well.
    """
    from onnx.reference import ReferenceEvaluator

    probed = onnx.ModelProto.FromString(model.SerializeToString())
    before_bytes = _to_bytes(probed).input[0]
    probed.graph.output.append(helper.make_empty_tensor_value_info(before_bytes))
    feeds: dict[str, np.ndarray] = {"frame": picture}
    if any(entry.name == "strength" for entry in probed.graph.input):
        feeds["strength"] = np.ones(1, np.float32)
    with np.errstate(all="ignore"):
        painted, floats = ReferenceEvaluator(probed).run(None, feeds)
    if not np.isfinite(floats).all():
        raise ModelError("produces NaN or infinity in half precision")
    return np.asarray(painted)


def _to_bytes(model: onnx.ModelProto) -> onnx.NodeProto:
    """The node that turns the finished picture into bytes."""
    nodes = [node for node in model.graph.node if node.op_type == "QuantizeLinear"]
    if len(nodes) != 1:
        raise ModelError("has no single QuantizeLinear node; export it again")
    return nodes[0]
