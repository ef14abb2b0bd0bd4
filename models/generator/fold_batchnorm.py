"""Folds batch norm into the convolution before it: the same function, fewer operations."""

from models.generator.architecture import Architecture, convolutions
from models.generator.parameters import Weights

EPSILON = 1e-5
"""The default of torch.nn.BatchNorm2d; network.py trains with the same value."""


def fold_weights(architecture: Architecture, weights: Weights) -> Weights:
    """Weights of `folded(architecture)` from those of `architecture`; neither is changed.

    norm(conv(x)) = gamma·(conv(x) − mean)/σ + beta, with σ = sqrt(variance + epsilon), is a
    convolution with kernel·gamma/σ and bias (bias − mean)·gamma/σ + beta.
    """
    result: Weights = {}
    for placed in convolutions(architecture):
        kernel = weights[f"{placed.prefix}.conv.weight"]
        bias = weights[f"{placed.prefix}.conv.bias"]
        if placed.conv.norm == "batch":
            norm = f"{placed.prefix}.norm"
            gain = weights[f"{norm}.weight"] / (weights[f"{norm}.running_var"] + EPSILON) ** 0.5
            kernel = kernel * gain[:, None, None, None]
            bias = (bias - weights[f"{norm}.running_mean"]) * gain + weights[f"{norm}.bias"]
        result[f"{placed.prefix}.conv.weight"] = kernel
        result[f"{placed.prefix}.conv.bias"] = bias
        if placed.conv.norm == "instance":
            result[f"{placed.prefix}.norm.weight"] = weights[f"{placed.prefix}.norm.weight"]
            result[f"{placed.prefix}.norm.bias"] = weights[f"{placed.prefix}.norm.bias"]
        if placed.conv.adaptive:  # acts after the norm, so folding leaves it alone
            result[f"{placed.prefix}.adapt.weight"] = weights[f"{placed.prefix}.adapt.weight"]
            result[f"{placed.prefix}.adapt.bias"] = weights[f"{placed.prefix}.adapt.bias"]
    return result
