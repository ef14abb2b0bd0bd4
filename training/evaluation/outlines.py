"""How crisp a painting is: whether the photograph's strong outlines are still there."""

import torch

from training.data.tensors import Picture, to_tensor
from training.losses.tones.light import luma
from training.losses.tones.outline import outlines, standing_out

LEAST_ENERGY = 1e-6
"""A picture without outlines, or a painting of one colour, has nothing to compare."""


@torch.no_grad()
def outlines_lost(source: Picture, painted: Picture) -> float:
    """1 - r², r the correlation of both pictures on the strong outlines of `source`; 0..1.

    0: all that stands out there is the photograph's, in whatever contrast; 1: nothing is, or what
    was bright is dark. Strokes that run across outlines, and blur, raise it; a photograph without
    outlines loses none. (H, W, 3) uint8 RGB each, of the same size.
    """
    wanted, counted = outlines(to_tensor(source[None]))
    shown = standing_out(luma(to_tensor(painted[None])))
    energy = (counted * wanted.square()).sum()
    if energy < LEAST_ENERGY:
        return 0.0
    product = (counted * wanted * shown).sum().clamp_min(0)
    energies = energy * (counted * shown.square()).sum().clamp_min(LEAST_ENERGY)
    return float(1 - product.square() / energies)
