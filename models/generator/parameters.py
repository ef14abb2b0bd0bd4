"""The learned arrays of an architecture: names, shapes, counts. Needs no torch."""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from models.generator.architecture import Architecture, convolutions

Weights: TypeAlias = dict[str, NDArray[np.float32]]
"""Parameter name, as in the torch module's state_dict, to its array."""


def parameter_shapes(architecture: Architecture) -> dict[str, tuple[int, ...]]:
    """Name to shape of every learned array, without the running statistics of batch norm."""
    shapes: dict[str, tuple[int, ...]] = {}
    for placed in convolutions(architecture):
        conv = placed.conv
        per_group = 1 if conv.depthwise else placed.channels_in
        shapes[f"{placed.prefix}.conv.weight"] = (conv.out, per_group, conv.kernel, conv.kernel)
        shapes[f"{placed.prefix}.conv.bias"] = (conv.out,)
        if conv.norm != "none":
            shapes[f"{placed.prefix}.norm.weight"] = (conv.out,)
            shapes[f"{placed.prefix}.norm.bias"] = (conv.out,)
        if conv.adaptive:  # gains, then shifts, from the means of the input channels
            shapes[f"{placed.prefix}.adapt.weight"] = (2 * conv.out, placed.channels_in, 1, 1)
            shapes[f"{placed.prefix}.adapt.bias"] = (2 * conv.out,)
    return shapes


def parameter_count(architecture: Architecture) -> int:
    return sum(int(np.prod(shape)) for shape in parameter_shapes(architecture).values())


def mac_count(architecture: Architecture, height: int, width: int) -> int:
    """Multiply-accumulates of all convolutions for one frame, without its margin."""
    shapes = parameter_shapes(architecture)
    return sum(
        int(np.prod(shapes[f"{p.prefix}.conv.weight"]) * height * width / p.scale**2)
        for p in convolutions(architecture)
    )


def random_weights(architecture: Architecture, seed: int = 0) -> Weights:
    """Random He-scaled weights, for speed measurements and tests only."""
    generator = np.random.default_rng(seed)
    weights: Weights = {}
    for name, shape in parameter_shapes(architecture).items():
        if name.endswith("conv.weight"):
            spread = (2 / np.prod(shape[1:])) ** 0.5
            weights[name] = generator.normal(0, spread, shape).astype(np.float32)
        elif name.endswith("adapt.weight"):
            weights[name] = generator.normal(0, 0.1 / shape[1], shape).astype(np.float32)
        elif name.endswith("adapt.bias"):
            weights[name] = (np.arange(shape[0]) < shape[0] // 2).astype(np.float32)
        else:
            fill: Any = np.ones if name.endswith("norm.weight") else np.zeros
            weights[name] = fill(shape, np.float32)
    return weights
