"""The exposure normalisation of models/exposure.py on tensors, for training."""

from typing import NamedTuple

import torch
from torch import Tensor

from models.exposure import LEAST_DEVIATION, LEAST_RANGE, OUTLIERS, SAMPLES


class Exposures(NamedTuple):
    """What `models.exposure.Exposure` is, of B pictures: tensors (B, 1, 1, 1)."""

    mean: Tensor
    deviation: Tensor
    black: Tensor
    white: Tensor


def measure(pictures: Tensor) -> Exposures:
    """The exposures of pictures (B, 3, H, W) float 0..1."""
    luma = pictures.mean(dim=1, keepdim=True)
    deviation = luma.std(dim=(2, 3), keepdim=True, correction=0)
    step = max(1, max(pictures.shape[2:]) // SAMPLES)
    values = pictures[..., step // 2 :: 2 * step, step // 2 :: 2 * step].flatten(1)
    percent = values.new_tensor([OUTLIERS, 100 - OUTLIERS])
    black, white = values.quantile(percent / 100, dim=1)[..., None, None, None]
    middle = ((black + white) / 2).clamp(LEAST_RANGE / 2, 1 - LEAST_RANGE / 2)
    return Exposures(
        luma.mean(dim=(2, 3), keepdim=True),
        deviation.clamp_min(LEAST_DEVIATION),
        torch.minimum(black, middle - LEAST_RANGE / 2),
        torch.maximum(white, middle + LEAST_RANGE / 2),
    )


def expose(pictures: Tensor, exposures: Exposures) -> Tensor:
    """The normalised pictures, 0..1; the curve is that of `models.exposure.curve`."""
    mean, deviation, black, white = exposures
    x = ((pictures - black) / (white - black)).clamp(0, 1)
    u = (pictures - mean) / deviation * 0.5
    return 0.5 * (x + 0.5 + 0.5 * u / (1 + u.abs() ** 3) ** (1 / 3))
