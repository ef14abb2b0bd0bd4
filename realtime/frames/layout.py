"""Where each of several pictures is shown in one. Pure."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from models.pictures import RGB
from realtime.frames.resize import fit
from realtime.frames.size import FitMode, Layout, Size

INSET = 0.3
"""Share of the sides that a small picture takes in the large one."""
MARGIN = 0.03
"""Share of the shorter side between small pictures, and between them and the edge."""


class Cell(NamedTuple):
    """A rectangle in pixels, from its upper left corner."""

    left: int
    top: int
    width: int
    height: int


def whole_size(own: Size, count: int, layout: Layout) -> Size:
    """The size of the picture in which `count` pictures of size `own` lose nothing."""
    if layout == "picture-in-picture":
        return own
    columns, rows = _grid(count)
    return Size(own.width * columns, own.height * rows)


def cells_of(size: Size, count: int, layout: Layout) -> list[Cell]:
    """Where each of `count` pictures is shown in one of that size; a later one covers others.

    Side by side, rows are filled from the upper left. Picture in picture, the first fills
    everything, and the others stand on it from the lower right to the left, then above.
    """
    if layout == "side-by-side":
        columns, rows = _grid(count)
        xs = [size.width * n // columns for n in range(columns + 1)]
        ys = [size.height * n // rows for n in range(rows + 1)]
        places = [divmod(number, columns) for number in range(count)]
        return [Cell(xs[c], ys[r], xs[c + 1] - xs[c], ys[r + 1] - ys[r]) for r, c in places]
    gap = max(1, round(min(size) * MARGIN))
    width, height = max(1, round(size.width * INSET)), max(1, round(size.height * INSET))
    across = max(1, (size.width - gap) // (width + gap))
    small = []
    for number in range(count - 1):
        row, column = divmod(number, across)
        left = size.width - (column + 1) * (width + gap)
        small.append(Cell(left, max(0, size.height - (row + 1) * (height + gap)), width, height))
    return [Cell(0, 0, *size), *small]


def composed(size: Size, cells: Sequence[Cell], pictures: Sequence[RGB], mode: FitMode) -> RGB:
    """One picture of that size with each of `pictures` (H, W, 3) fitted to its cell."""
    out = np.zeros((size.height, size.width, 3), np.uint8)
    for cell, rgb in zip(cells, pictures, strict=True):
        place = out[cell.top : cell.top + cell.height, cell.left : cell.left + cell.width]
        place[:] = fit(rgb, cell.width, cell.height, mode)
    return out


def _grid(count: int) -> tuple[int, int]:
    """Columns and rows for so many pictures: no fewer columns than rows."""
    columns = math.ceil(math.sqrt(count))
    return columns, math.ceil(count / columns)
