"""The exposure normalisation of models/exposure.py on tensors, for training."""

from typing import NamedTuple

import torch
from torch import Tensor

from models.exposure import LEAST_RANGE, MOST_GAIN, OUTLIERS, ROOM, SAMPLES, SHARE


class Exposures(NamedTuple):
    """What `models.exposure.Exposure` is, of B pictures: tensors (B, 1, 1, 1)."""

    bend: Tensor
    black: Tensor
    white: Tensor


def measure(pictures: Tensor) -> Exposures:
    """The exposures of pictures (B, 3, H, W) float 0..1."""
    step = max(1, max(pictures.shape[2:]) // SAMPLES)
    values = pictures[..., step // 2 :: 2 * step, step // 2 :: 2 * step].flatten(1)
    percent = values.new_tensor([OUTLIERS, 100 - OUTLIERS])
    black, white = values.quantile(percent / 100, dim=1)[..., None, None, None]
    middle = ((black + white) / 2).clamp(LEAST_RANGE / 2, 1 - LEAST_RANGE / 2)
    black = torch.minimum(black, middle - LEAST_RANGE / 2)
    span = torch.maximum(white, middle + LEAST_RANGE / 2) - black
    mean = ((pictures.mean(dim=(1, 2, 3), keepdim=True) - black) / span).clamp(0.01, 0.99)
    wanted = mean + SHARE * (0.5 - mean)
    most = (MOST_GAIN * span).clamp_min(1)
    bend = ((wanted - mean) / (mean * (1 - wanted))).clamp(1 / most - 1, most - 1)
    return Exposures(bend, black, black + span)


def expose(pictures: Tensor, exposures: Exposures) -> Tensor:
    """The normalised pictures, 0..1; the curve is that of `models.exposure.curve`."""
    bend, black, white = exposures
    x = ((pictures - black) / (white - black)).clamp(0, 1)
    return ROOM + (1 - 2 * ROOM) * (1 + bend) * x / (1 + bend * x)
