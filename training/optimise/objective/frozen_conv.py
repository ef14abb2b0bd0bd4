"""A 3×3 convolution of frozen weights that repeats the border, for the price of one with zeros."""

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import FunctionCtx
from torch.nn.grad import conv2d_input


class _RepeatingConv(torch.autograd.Function):
    """Frozen weights need no gradient, so the input need not be kept: by `F.pad` and `F.conv2d`,
    autograd would keep the padded copy of each layer as well, nearly twice the memory."""

    @staticmethod
    def forward(ctx: FunctionCtx, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        ctx.save_for_backward(weight)
        return F.conv2d(F.pad(x, (1, 1, 1, 1), mode="replicate"), weight, bias)

    @staticmethod
    def backward(ctx: FunctionCtx, *gradients: Tensor) -> tuple[Tensor, None, None]:
        (gradient,) = gradients
        (weight,) = ctx.saved_tensors  # type: ignore[attr-defined]
        batch, _, height, width = gradient.shape
        padded = conv2d_input((batch, weight.shape[1], height + 2, width + 2), weight, gradient)
        # What reached a repeated pixel belongs to the pixel that it repeats.
        padded[:, :, 1] += padded[:, :, 0]
        padded[:, :, -2] += padded[:, :, -1]
        padded[..., 1] += padded[..., 0]
        padded[..., -2] += padded[..., -1]
        return padded[..., 1:-1, 1:-1], None, None


def repeating_conv(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Features (B, C, h, w), their border repeated once on each side, convolved with `weight`
    (K, C, 3, 3) and `bias` (K,): (B, K, h, w). Differentiable once, with respect to `x` only."""
    found: Tensor = _RepeatingConv.apply(x, weight, bias)
    return found
