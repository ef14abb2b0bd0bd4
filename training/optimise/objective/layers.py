"""Names of the loss network's layers, in any of the spellings that papers and programs use.

`relu4_2` (ours), `conv4_2` (Gatys et al. 2016) and `block4_conv2` (Keras) all mean the output of
the second convolution of the fourth block, after its ReLU.
"""

import re
from collections.abc import Mapping, Sequence

from models.errors import UsageError
from training.losses.vgg import stride

SPELLINGS = (r"(?:relu|conv)_?(\d)_(\d)", r"block(\d)_conv(\d)")

STYLE_LAYERS = {"relu1_1": 256.0, "relu2_1": 64.0, "relu3_1": 16.0, "relu4_1": 4.0, "relu5_1": 1.0}
"""Default style layers and their weights, fine to deep."""
CONTENT_LAYERS = {"relu4_2": 1.0}


def layer_name(text: str) -> str:
    """Our name of the layer: "relu4_2" for "block4_conv2". Raises UsageError for another text."""
    for spelling in SPELLINGS:
        if found := re.fullmatch(spelling, text.strip().lower()):
            return f"relu{found[1]}_{found[2]}"
    raise UsageError(f"{text!r} is no layer: write relu4_2, conv4_2 or block4_conv2")


def parse_layer_weights(text: str) -> dict[str, float]:
    """ "conv1_1=256,relu2_1" as {"relu1_1": 256, "relu2_1": 1}.

    Raises UsageError for a text that is no layer, a weight that is no number from 0 up, a layer
    named twice, and weights that are all zero.
    """
    weights: dict[str, float] = {}
    for part in text.split(","):
        name, _, weight = part.partition("=")
        layer = layer_name(name)
        if layer in weights:
            raise UsageError(f"{layer} stands twice in {text!r}")
        try:
            weights[layer] = float(weight or 1)
        except ValueError:
            raise UsageError(f"{weight!r} in {part.strip()!r} is not a number") from None
        if not 0 <= weights[layer] < float("inf"):
            raise UsageError(f"{part.strip()!r} must be 0 or more, and finite")
    if not any(weights.values()):
        raise UsageError(f"{text!r}: at least one weight must be above 0")
    return weights


def default_style_layers(known: Sequence[str], depth: int | None = None) -> dict[str, float]:
    """The first `depth` (None: all) of the default style layers that the network has."""
    layers = [layer for layer in STYLE_LAYERS if layer in known][:depth]
    return {layer: STYLE_LAYERS[layer] for layer in layers}


def default_content_layers(known: Sequence[str]) -> dict[str, float]:
    """relu4_2, or the deepest layer of a network that ends before it."""
    layers = [layer for layer in CONTENT_LAYERS if layer in known] or [known[-1]]
    return dict.fromkeys(layers, 1.0)


def check_layers(layers: Mapping[str, float], known: Sequence[str]) -> None:
    """Raise UsageError for a layer that the network does not have."""
    for layer in layers:
        if layer not in known:
            raise UsageError(f"the loss network has no layer {layer}; it has {', '.join(known)}")


def shares(layers: Mapping[str, float]) -> dict[str, float]:
    """The weights divided by their sum."""
    total = sum(layers.values())
    return {layer: weight / total for layer, weight in layers.items()}


def reach(layers: Sequence[str], known: Sequence[str]) -> int:
    """How far from a position, in pixels, the deepest of `layers` sees the picture.

    Every convolution adds a position of its block to either side, every pooling one of the block
    before at most.
    """
    deepest = max(known.index(layer) for layer in layers)
    return sum(
        stride(layer) * (1.5 if layer.endswith("_1") and stride(layer) > 1 else 1)
        for layer in known[: deepest + 1]
    ).__ceil__()
