"""Where the canvas lies under each crop, and where under the crop as it moved.

In use the canvas stands still and begins at the corner of the frame; in training it lies anywhere,
so that every part of it learns.
"""

import torch
from torch import Tensor

from models.architecture import Architecture
from models.layers import Canvas


def canvas_period(architecture: Architecture) -> int:
    """Cells after which the canvas begins anew, per side; 0 without one."""
    return next((x.period for x in architecture.layers if isinstance(x, Canvas)), 0)


def anywhere(batch: int, period: int, generator: torch.Generator) -> Tensor:
    """Placements (B, 2, 3) for CanvasUnit: shifted by whole cells, at random."""
    shifts = torch.randint(period, (batch, 2, 1), generator=generator).float()
    return torch.cat([torch.eye(2).expand(batch, 2, 2), shifts], dim=-1)


def moved_along(placement: Tensor, motion: Tensor, size: tuple[int, int], stride: int) -> Tensor:
    """The placements (B, 2, 3) of a canvas that moves with the picture.

    `placement`: of the picture before, as `anywhere` gives it; `motion`: (B, 2, 3) as `warp`
    takes it; `size`: height and width of the picture in pixels; `stride`: pixels of a cell.
    """
    height, width = size
    stretch = torch.tensor([[1, width / height], [height / width, 1]])
    turn = motion[..., :2] * stretch
    shift = motion[..., 2:] * (torch.tensor([[width], [height]]) / 2)
    # From the middle of cell 0 to the middle of the picture, in pixels: what a turn keeps.
    first = (torch.tensor([[width], [height]]) - stride) / 2
    still = torch.eye(2).expand_as(turn)
    cells = ((still - turn) @ first + shift) / stride
    return torch.cat([turn, cells + placement[..., 2:]], dim=-1)
