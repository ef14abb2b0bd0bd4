"""The loss network: a VGG trunk whose features represent content and style.

Layers are called relu1_1 .. relu5_4 (block, then convolution), as in the papers. Knows no losses,
nor where weights come from (vgg_weights.py).
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.errors import UsageError, lookup

CONVS_PER_BLOCK = {"vgg16": (2, 2, 3, 3, 3), "vgg19": (2, 2, 4, 4, 4)}


@dataclass(frozen=True)
class TrunkConv:
    """One 3×3 convolution: weight (out, in, 3, 3), bias (out,), both float32."""

    layer: str
    weight: Tensor
    bias: Tensor


class LossNetwork(nn.Module):
    """RGB (B, 3, H, W) float 0..1 to the features after each requested ReLU.

    `mean` is subtracted first (RGB, 0..1); any further scaling of the input is part of the first
    weights. The weights are frozen: buffers, which no gradient ever reaches.
    """

    def __init__(self, convs: list[TrunkConv], mean: tuple[float, ...], pooling: str) -> None:
        super().__init__()
        pools: dict[str, Callable[[Tensor], Tensor]] = {
            "max": lambda x: F.max_pool2d(x, 2),
            "avg": lambda x: F.avg_pool2d(x, 2),
        }
        self.pool = lookup("pooling", pooling, pools)
        self.layers = [conv.layer for conv in convs]
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1))
        for conv in convs:
            self.register_buffer(f"{conv.layer}_weight", conv.weight)
            self.register_buffer(f"{conv.layer}_bias", conv.bias)

    @property
    def device(self) -> torch.device:
        return self.get_buffer("mean").device

    def convs(self) -> list[TrunkConv]:
        return [
            TrunkConv(name, self.get_buffer(f"{name}_weight"), self.get_buffer(f"{name}_bias"))
            for name in self.layers
        ]

    def in_bf16(self) -> "LossNetwork":
        """The same network with its weights, so its features, in bfloat16. Under autocast instead,
        each replicated border would go to float32 and back."""
        short = [TrunkConv(x.layer, x.weight.bfloat16(), x.bias.bfloat16()) for x in self.convs()]
        network = LossNetwork(short, (0.0, 0.0, 0.0), "max")
        network.pool = self.pool
        network.register_buffer("mean", self.get_buffer("mean"))
        return network

    def forward(self, x: Tensor, layers: tuple[str, ...]) -> dict[str, Tensor]:
        """Features (B, C, h, w) by name of each of `layers`; stops after the deepest of them.

        Raises UsageError for an unknown layer."""
        wanted = set(layers)
        missing = wanted - set(self.layers)
        if missing:
            raise UsageError(f"layer {min(missing)!r} is not one of: {', '.join(self.layers)}")
        features: dict[str, Tensor] = {}
        convs = self.convs()
        x = (x - self.get_buffer("mean")).to(convs[0].weight.dtype)
        for conv in convs:
            if conv.layer.endswith("_1") and conv.layer != "relu1_1":
                x = self.pool(x)
            x = F.relu(F.conv2d(extended(x), conv.weight, conv.bias), inplace=True)
            if conv.layer in wanted:
                features[conv.layer] = x
            if len(features) == len(wanted):
                break
        return features


def extended(features: Tensor) -> Tensor:
    """Features with their outermost pixels repeated once on each side, for a 3×3 convolution.

    Crops are parts of larger pictures: zeros beyond them would look like an edge to the network,
    and like style to the Gram matrices.
    """
    return F.pad(features, (1, 1, 1, 1), mode="replicate")


def stride(layer: str) -> int:
    """Pixels of the picture for each position of the layer: 1, 2, 4, 8, 16 by block."""
    return 2 ** (int(layer.removeprefix("relu").split("_")[0]) - 1)


def layer_names(network: str) -> list[str]:
    return [
        f"relu{block}_{conv}"
        for block, count in enumerate(CONVS_PER_BLOCK[network], start=1)
        for conv in range(1, count + 1)
    ]
