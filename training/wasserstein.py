"""The Wasserstein-2 distance of feature statistics: the style loss beside the Gram matrix.

Each layer's features are taken for a Gaussian, which has a closed form (Dowson & Landau 1982):
|m1 - m2|² + tr(C1) + tr(C2) - 2 tr((C1^½ C2 C1^½)^½). As a style loss: Mroueh 2019. Where a Gram
error grows with the fourth power of the features, this grows with the second: strong channels
do not drown the weak ones.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from training.losses import Scope

SMALLEST_ROOT = 1e-6
"""Relative to the target's energy: keeps the square root's gradient finite at zero variance."""


@dataclass(frozen=True)
class Gaussian:
    """The target of one layer, float64: mean (C,), root of the covariance (C, C), both energies."""

    mean: Tensor
    root: Tensor
    variance: Tensor
    energy: Tensor


@torch.no_grad()
def gaussian(mean: Tensor, second: Tensor) -> Gaussian:
    """From a mean (C,) and a second moment (C, C), which is what a Gram matrix is."""
    mean, second = mean.double(), second.double()
    covariance = second - mean[:, None] * mean[None]
    values, vectors = torch.linalg.eigh(covariance)
    root = vectors * values.clamp_min(0).sqrt() @ vectors.mT
    energy = second.trace().clamp_min(1e-8)
    return Gaussian(mean, root, covariance.trace(), energy)


def squared_distance(means: Tensor, seconds: Tensor, target: Gaussian) -> Tensor:
    """(B, C) means and (B, C, C) second moments to (B,) squared distances, relative.

    Relative to the target's second moment, so that a black picture is 1 away. In float64: the
    small eigenvalues of a covariance are lost in float32.
    """
    means, seconds = means.double(), seconds.double()
    covariances = seconds - means[..., :, None] * means[..., None, :]
    inner = target.root @ covariances @ target.root
    # eigvalsh, not eigh: its gradient does not divide by differences of eigenvalues.
    try:
        values = torch.linalg.eigvalsh((inner + inner.mT) / 2).clamp_min(0)
    except torch.linalg.LinAlgError:  # of values that are not finite: so is the distance
        return (means.sum(-1) * torch.nan).float()
    smallest = SMALLEST_ROOT * target.energy
    roots = (values + smallest.square()).sqrt() - smallest
    variances = covariances.diagonal(dim1=-2, dim2=-1).sum(-1)
    bures = variances + target.variance - 2 * roots.sum(-1)
    distance = (means - target.mean).square().sum(-1) + bures
    return (distance / target.energy).float()


def wasserstein_loss(means: Tensor, seconds: Tensor, target: Gaussian, scope: Scope) -> Tensor:
    """Style loss of one layer: (B, C) and (B, C, C) to a scalar; scopes as in `gram_loss`."""
    if scope != "batch":
        per_image = squared_distance(means, seconds, target).mean()
        if scope == "image":
            return per_image
    pooled = means.mean(dim=0, keepdim=True), seconds.mean(dim=0, keepdim=True)
    per_batch = squared_distance(*pooled, target)[0]
    return per_batch if scope == "batch" else (per_image + per_batch) / 2
