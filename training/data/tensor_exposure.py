"""The exposure normalisation of models/exposure.py on tensors, for training."""

from torch import Tensor

from models.exposure import LEAST_DEVIATION


def moments(pictures: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and deviation (B, 1, 1, 1) of the luma of pictures (B, 3, H, W) float 0..1."""
    luma = pictures.mean(dim=1, keepdim=True)
    deviation = luma.std(dim=(2, 3), keepdim=True, correction=0)
    return luma.mean(dim=(2, 3), keepdim=True), deviation.clamp_min(LEAST_DEVIATION)


def expose(pictures: Tensor, mean: Tensor, deviation: Tensor) -> Tensor:
    """The normalised pictures, 0..1; the curve is that of `models.exposure.curve`."""
    u = (pictures - mean) / deviation * 0.5
    return 0.5 + 0.5 * u / (1 + u.abs() ** 3) ** (1 / 3)
