"""Kernels stored as int8, for small files; the graph still computes in float. Needs no torch.

Per output channel, symmetric: w ≈ scale·q with scale = max|w|/127 and q = round(w/scale)
(Krishnamoorthi 2018, sec. 2.2 and 3.1). Scales and biases are stored in half precision.

In a file of 17 KB every byte counts. So kernels that differ only in their output channels share
one tensor, all biases another; values have names of one or two letters; and attributes that an
operator has by default are left out. A runtime folds the casts, products and splits on loading.
"""

import json
import string
from collections.abc import Iterator, Sequence
from itertools import count, islice, product
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from models.card import ARCHITECTURE_KEY, METADATA_KEY, StyleCard
from models.generator.architecture import Architecture, short_json
from models.generator.parameters import Weights, parameter_shapes

LARGEST = 127
SMALLEST_SCALE = 2.0**-14
"""The smallest normal number of half precision: even a kernel of zeros needs a nonzero scale."""
IMPLIED: dict[str, dict[str, Any]] = {
    "Conv": {"group": 1, "kernel_shape": None, "strides": [1, 1]},
    "Resize": {"mode": b"nearest"},
}
"""Attributes that may be omitted if they have these values (None: whatever their value)."""
CONTRACT = ("frame", "strength", "painted")
"""Names that the contract in card.py fixes, so they are not shortened."""
ORIGIN = ("style", "base", "family", "steps", "fingerprint")


def quantize_weights(
    model: onnx.ModelProto, architecture: Architecture, weights: Weights
) -> onnx.ModelProto:
    """The same graph with its kernels as int8, without metadata. `model` is not changed.

    It still computes in float: only the stored weights are rounded. `architecture` and `weights`
    must be those of the graph.
    """
    names = list(parameter_shapes(architecture))
    packed = [*_pack_kernels(weights), *_pack_vectors(weights)]
    constants = [t for t in model.graph.initializer if t.name not in weights]
    graph = helper.make_graph(
        [*(node for nodes, _ in packed for node in nodes), *model.graph.node],
        model.graph.name,
        model.graph.input,
        model.graph.output,
        [*(tensor for _, tensors in packed for tensor in tensors), *constants],
    )
    shorten_names(graph, first=names)
    smaller = helper.make_model(
        graph, opset_imports=model.opset_import, ir_version=model.ir_version
    )
    onnx.checker.check_model(smaller, full_check=True)
    return smaller


def dequantized(model: onnx.ModelProto, architecture: Architecture) -> Weights:
    """Full name to the weights that a graph made by `quantize_weights` computes with."""
    names = list(parameter_shapes(architecture))
    known = {tensor.name for tensor in model.graph.initializer} - set(CONTRACT)
    constant = []
    for node in model.graph.node:
        if known.issuperset(node.input):
            constant.append(node)
            known.update(node.output)
    outputs = [helper.make_empty_tensor_value_info(short) for short in _short_names(len(names))]
    graph = helper.make_graph(constant, "weights", [], outputs, model.graph.initializer)
    part = helper.make_model(graph, opset_imports=model.opset_import, ir_version=model.ir_version)
    arrays = ReferenceEvaluator(part).run(None, {})
    return {name: np.asarray(a, np.float32) for name, a in zip(names, arrays, strict=True)}


Pack = tuple[list[onnx.NodeProto], list[onnx.TensorProto]]


def _pack_kernels(weights: Weights) -> Iterator[Pack]:
    """Kernels that differ only in their output channels, as one int8 tensor and its scales."""
    alike: dict[tuple[int, ...], list[str]] = {}
    for name, array in weights.items():
        if array.ndim == 4:
            alike.setdefault(array.shape[1:], []).append(name)
    for names in alike.values():
        kernels = np.concatenate([weights[name] for name in names])
        largest = np.abs(kernels).max(axis=(1, 2, 3), keepdims=True)
        scales = np.maximum(largest / LARGEST, SMALLEST_SCALE).astype(np.float16)
        levels = np.rint(kernels / scales.astype(np.float32)).clip(-LARGEST, LARGEST)
        first = names[0]
        nodes = [
            _to_float(f"{first}.levels", f"{first}.floats"),
            _to_float(f"{first}.scales", f"{first}.factors"),
            helper.make_node("Mul", [f"{first}.floats", f"{first}.factors"], [f"{first}.all"]),
        ]
        tensors = [
            _tensor(levels.astype(np.int8), f"{first}.levels"),
            _tensor(scales, f"{first}.scales"),
        ]
        yield _split(f"{first}.all", {n: len(weights[n]) for n in names}, nodes, tensors)


def _pack_vectors(weights: Weights) -> Iterator[Pack]:
    """All biases, and the factors of instance norms, as one half-precision tensor."""
    vectors = {name: array for name, array in weights.items() if array.ndim == 1}
    joined = np.concatenate(list(vectors.values())).astype(np.float16)
    sizes = {name: len(vector) for name, vector in vectors.items()}
    nodes = [_to_float("vectors.half", "vectors.all")]
    yield _split("vectors.all", sizes, nodes, [_tensor(joined, "vectors.half")])


def _to_float(name: str, out: str) -> onnx.NodeProto:
    return helper.make_node("Cast", [name], [out], to=TensorProto.FLOAT)


def _split(
    whole: str, sizes: dict[str, int], nodes: list[onnx.NodeProto], tensors: list[onnx.TensorProto]
) -> Pack:
    """Split the value `whole` along its first axis into parts with the names and `sizes`."""
    if len(sizes) == 1:
        nodes[-1].output[0] = next(iter(sizes))
        return nodes, tensors
    cut = helper.make_tensor(f"{whole}.sizes", TensorProto.INT64, [len(sizes)], [*sizes.values()])
    nodes.append(helper.make_node("Split", [whole, cut.name], list(sizes)))
    return nodes, [*tensors, cut]


def _tensor(array: NDArray[Any], name: str) -> onnx.TensorProto:
    return numpy_helper.from_array(np.ascontiguousarray(array), name)


def _small(tensor: onnx.TensorProto) -> onnx.TensorProto:
    """Store int64 values as protobuf integers, which take only as many bytes as they need."""
    if tensor.data_type != TensorProto.INT64:
        return tensor
    values = numpy_helper.to_array(tensor).ravel().tolist()
    return helper.make_tensor(tensor.name, TensorProto.INT64, tensor.dims, values)


def _short_names(number: int) -> Iterator[str]:
    """a, b … 9, aa, ab …"""
    words = (
        w
        for length in count(1)
        for w in product(string.ascii_letters + string.digits, repeat=length)
    )
    return ("".join(word) for word in islice(words, number))


def shorten_names(graph: onnx.GraphProto, *, first: Sequence[str] = ()) -> None:
    """Give every value a short name; those of `first` get the first names, in their order."""
    values = [t.name for t in graph.initializer]
    values += [name for node in graph.node for name in node.output]
    long = [name for name in dict.fromkeys([*first, *values]) if name not in CONTRACT]
    short = dict(zip(long, _short_names(len(long)), strict=True))
    for tensor in graph.initializer:
        tensor.CopyFrom(_small(tensor))
        tensor.name = short.get(tensor.name, tensor.name)
    for node in graph.node:
        node.ClearField("name")
        _drop_implied(node)
        node.input[:] = [short.get(name, name) for name in node.input]
        node.output[:] = [short.get(name, name) for name in node.output]


def _drop_implied(node: onnx.NodeProto) -> None:
    implied = IMPLIED.get(node.op_type, {})
    needed = [
        attribute
        for attribute in node.attribute
        if attribute.name not in implied
        or implied[attribute.name] not in (None, helper.get_attribute_value(attribute))
    ]
    del node.attribute[:]
    node.attribute.extend(needed)


def short_metadata(card: StyleCard, architecture: Architecture) -> dict[str, str]:
    """Card and architecture as metadata in few bytes: default values are left out.

    Of the training it keeps only the origin (ORIGIN); the card beside the file has all of it.
    """
    fields = card.model_dump(mode="json", exclude_defaults=True, exclude={"metrics", "sha256"})
    origin = {key: card.training[key] for key in ORIGIN if key in card.training}
    return {
        METADATA_KEY: _json(fields | {"licence": card.licence, "training": origin}),
        ARCHITECTURE_KEY: short_json(architecture),
    }


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
