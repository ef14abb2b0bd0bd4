"""The features of a picture that a painting compares: a loss network, set up for painting.

Differs from how the trainings use the same weights: pooling keeps an odd last row or column (its
pixels would hardly be seen, and take any colour); means or L2 norms may pool, scaled so that the
activations stay as large as with maxima (Gatys et al. 2015 do not scale them); and all
activations are brought to one magnitude, since some VGGs take 0..255 and others about ±2, so that
a weight means the same whatever the loss network.
"""

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from models.errors import lookup
from training.losses.vgg import LossNetwork
from training.optimise.objective.frozen_conv import repeating_conv

POOLINGS: dict[str, Callable[[Tensor], Tensor]] = {
    "max": lambda x: F.max_pool2d(x, 2, ceil_mode=True),
    "average": lambda x: F.avg_pool2d(x, 2, ceil_mode=True) * 2.0,
    "l2": lambda x: (F.avg_pool2d(x.square(), 2, ceil_mode=True) * 4 + TINY).sqrt() * 0.78,
}
"""Pooling by 2, an odd last row or column alone. The factors match the magnitude of max pooling
(measured on VGG-19 by the reference implementation, style-transfer-pytorch)."""
NOISE_SIDE = 64
FIRST_LAYER = 0.5
"""Root mean square that the first layer's activations are brought to. Style errors grow with its
square, content errors with itself, variation not at all: so it balances the default weights."""
TINY = 1e-12
"""Keeps the gradient of the square root finite."""


class PaintFeatures:
    """RGB (1, 3, H, W) float 0..1 to features (1, C, h, w) by layer name.

    `devices`: the first holds the first block, the last (of two) the others; the features come
    back on the device of their layer. `dtype`: in which the convolutions compute, and of the
    features. bfloat16 has fewer levels of brightness than a picture, so there the first
    convolution takes each colour as a sum of two values.
    """

    def __init__(
        self,
        network: LossNetwork,
        pooling: str,
        devices: Sequence[torch.device] = (),
        *,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        self.pool = lookup("pooling", pooling, POOLINGS)
        self.layers = list(network.layers)
        self.devices = list(devices) or [network.device]
        self.mean = network.get_buffer("mean").to(self.devices[0])
        self._convs = []
        gain = FIRST_LAYER / magnitude(network)
        for number, conv in enumerate(network.convs()):
            device = device_of(conv.layer, self.devices)
            weight = conv.weight * gain if number == 0 else conv.weight
            if number == 0 and dtype != torch.float32:
                weight = torch.cat([weight, weight], dim=1)
            weight = weight.to(device, dtype).contiguous(memory_format=torch.channels_last)
            # A ReLU network is linear in the size of its input, if its biases shrink along.
            self._convs.append((conv.layer, weight, (conv.bias * gain).to(device, dtype)))

    @property
    def value_bytes(self) -> int:
        """Bytes of one value of the features while they are computed."""
        return self._convs[-1][1].element_size()

    @property
    def channels(self) -> dict[str, int]:
        """Channels by layer."""
        return {layer: weight.shape[0] for layer, weight, _ in self._convs}

    def __call__(self, x: Tensor, layers: Sequence[str]) -> dict[str, Tensor]:
        """The features after the ReLU of each of `layers`; computes no deeper than needed."""
        wanted = set(layers)
        features: dict[str, Tensor] = {}
        x = x - self.mean
        if self._convs[0][1].dtype != torch.float32:
            x = split(x, self._convs[0][1].dtype)
        x = x.contiguous(memory_format=torch.channels_last)
        for number, (layer, weight, bias) in enumerate(self._convs):
            if layer.endswith("_1") and number > 0:
                x = self.pool(x)
            x = F.relu(repeating_conv(x.to(weight.device), weight, bias), inplace=True)
            if layer in wanted:
                features[layer] = x
            if len(features) == len(wanted):
                break
        return features


def split(x: Tensor, dtype: torch.dtype) -> Tensor:
    """(1, C, h, w) float32 as (1, 2·C, h, w) of a shorter type, whose halves sum up to it.

    The gradient reaches x by the first half alone: that is already all of it."""
    rough = x.to(dtype)
    return torch.cat([rough, (x - rough.float()).detach().to(dtype)], dim=1)


@torch.no_grad()
def magnitude(network: LossNetwork) -> float:
    """Root mean square of the first layer's activations on `noise_picture`."""
    first = network.layers[0]
    activations = network(noise_picture().to(network.device), (first,))[first]
    return max(float(activations.square().mean().sqrt()), TINY)


def noise_picture() -> Tensor:
    """(1, 3, 64, 64) float 0..1, always the same: patches of colour with grain, by which the
    magnitudes of networks and styles compare."""
    generator = torch.Generator().manual_seed(0)
    coarse = torch.rand(1, 3, NOISE_SIDE // 8, NOISE_SIDE // 8, generator=generator)
    fine = torch.rand(1, 3, NOISE_SIDE, NOISE_SIDE, generator=generator)
    return F.interpolate(coarse, size=fine.shape[2:], mode="bilinear") * 0.9 + fine * 0.1


def device_of(layer: str, devices: Sequence[torch.device]) -> torch.device:
    """Where a layer computes: the first of two devices takes block 1, half of the memory."""
    return devices[0] if layer.startswith("relu1_") else devices[-1]
