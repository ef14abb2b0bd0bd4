"""The Wasserstein-2 distance of feature statistics: the alternative to the Gram style loss.

Each layer's features are modelled as a Gaussian. For two Gaussians the squared distance has a
closed form (Dowson & Landau 1982): |m1 - m2|² + tr(C1) + tr(C2) - 2 tr((C1^½ C2 C1^½)^½).
Mroueh 2019 uses it as a style loss. A Gram error grows with the fourth power of the features,
this distance with the second, so strong channels do not drown out the weak ones.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from training.config.recipe import Scope

SMALLEST_ROOT = 1e-6
"""Relative to the target's energy: keeps the square root's gradient finite at zero variance."""


@dataclass(frozen=True)
class Gaussian:
    """The target of one layer, in float64.

    `mean` (C,), `root` of the covariance (C, C), and the traces of the covariance (`variance`)
    and of the second moment (`energy`).
    """

    mean: Tensor
    root: Tensor
    variance: Tensor
    energy: Tensor


@torch.no_grad()
def gaussian(mean: Tensor, second: Tensor) -> Gaussian:
    """The target with this mean (C,) and second moment (C, C), that is, its Gram matrix."""
    mean, second = mean.double(), second.double()
    covariance = second - mean[:, None] * mean[None]
    values, vectors = torch.linalg.eigh(covariance)
    root = vectors * values.clamp_min(0).sqrt() @ vectors.mT
    energy = second.trace().clamp_min(1e-8)
    return Gaussian(mean, root, covariance.trace(), energy)


def squared_distance(means: Tensor, seconds: Tensor, target: Gaussian) -> Tensor:
    """Relative squared distances (B,) of means (B, C) and second moments (B, C, C) to `target`.

    Relative to the target's energy, so that features of all zeros are at distance 1. Computed
    in float64: the small eigenvalues of a covariance are lost in float32.
    """
    means, seconds = means.double(), seconds.double()
    covariances = seconds - means[..., :, None] * means[..., None, :]
    inner = target.root @ covariances @ target.root
    # eigvalsh, not eigh: the gradient of eigvalsh does not divide by differences of eigenvalues.
    try:
        values = torch.linalg.eigvalsh((inner + inner.mT) / 2).clamp_min(0)
    except torch.linalg.LinAlgError:  # the values are not finite, so neither is the distance
        return (means.sum(-1) * torch.nan).float()
    smallest = SMALLEST_ROOT * target.energy
    roots = (values + smallest.square()).sqrt() - smallest
    variances = covariances.diagonal(dim1=-2, dim2=-1).sum(-1)
    bures = variances + target.variance - 2 * roots.sum(-1)
    distance = (means - target.mean).square().sum(-1) + bures
    return (distance / target.energy).float()


def wasserstein_loss(means: Tensor, seconds: Tensor, target: Gaussian, scope: Scope) -> Tensor:
    """Style loss of one layer: means (B, C), seconds (B, C, C) to a scalar. Scope: `gram_loss`."""
    if scope == "image":
        return squared_distance(means, seconds, target).mean()
    pooled = means.mean(dim=0, keepdim=True), seconds.mean(dim=0, keepdim=True)
    if scope == "batch":
        return squared_distance(*pooled, target)[0]
    # All in one call: on a GPU each one waits for the work that is queued there.
    every = torch.cat([means, pooled[0]]), torch.cat([seconds, pooled[1]])
    distances = squared_distance(*every, target)
    return (distances[:-1].mean() + distances[-1]) / 2
