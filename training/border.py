"""What the zeros that convolutions see beyond the margin leave along the borders of a painting."""

import torch
from torch import Tensor

from models.generator import Generator

WIDER = 32
"""Pixels of margin more, a multiple of every stride: no zero reaches the picture from there."""


def border_loss(generator: Generator, source: Tensor) -> Tensor:
    """Mean squared difference of crops (B, 3, H, W) painted as in use from the same with a wider
    margin; and of flat pictures in their mean colours, where a stripe is seen most.

    Ours. Crops are wrapped around in training, so what lies beyond a border is never seen there,
    and may be painted anyhow. Both paintings have the frame's reflection beyond it, one has more of
    it: colours that a generator takes from far away cost nothing, a stripe does. Needs statistics
    that are fixed, as in use.
    """
    flat = source.mean(dim=(2, 3), keepdim=True).expand_as(source)
    pictures = torch.cat([source, flat])
    with torch.no_grad(), generator.as_in_use(wider=WIDER):
        expected = generator(pictures)
    with generator.as_in_use():
        return (generator(pictures) - expected).square().mean()
