"""Batch norm that can be trained with the running statistics of the exported graph."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class BatchRenorm(nn.BatchNorm2d):
    """Batch norm that switches to batch renormalization in training once `renormed` is set.

    Ioffe 2017, arXiv:1702.03275, without the limits on r and d. (B, C, H, W) float in and out.

    The output is normalised by the running statistics, as in the exported graph. The gradients
    are those of normalisation by the batch's statistics, which the running ones keep following.
    Freezing the statistics instead would leave nothing that controls scale and offset: the steps
    of all weights of a channel add up, layer after layer, and trainings blow up at learning
    rates that are low for batch norm.
    """

    renormed = False

    def forward(self, x: Tensor) -> Tensor:
        if not (self.renormed and self.training):
            return super().forward(x)
        mean, variance, momentum = self.running_mean, self.running_var, self.momentum
        assert mean is not None and variance is not None and momentum is not None
        with torch.no_grad():
            batch_variance, batch_mean = torch.var_mean(x, dim=(0, 2, 3), correction=0)
            deviation = (variance + self.eps).sqrt()
            r = (batch_variance + self.eps).sqrt() / deviation
            d = (batch_mean - mean) / deviation
            mean.lerp_(batch_mean, momentum)
            variance.lerp_(batch_variance, momentum)
        own = F.batch_norm(x, None, None, training=True, eps=self.eps)
        gain, offset = self.weight * r, self.weight * d + self.bias
        return own * gain[:, None, None] + offset[:, None, None]
