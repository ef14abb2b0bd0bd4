"""Where several pictures are shown in one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.frames.layout import Cell, cells_of, composed, whole_size
from realtime.frames.size import LAYOUTS, Size


@pytest.mark.parametrize(
    ("count", "whole", "last"),
    [
        (1, (80, 60), (0, 0, 80, 60)),
        (2, (160, 60), (80, 0, 80, 60)),
        (3, (160, 120), (0, 60, 80, 60)),
        (4, (160, 120), (80, 60, 80, 60)),
        (5, (240, 120), (80, 60, 80, 60)),
    ],
)
def test_side_by_side_nothing_is_shrunk(count: int, whole: tuple, last: tuple):
    size = whole_size(Size(80, 60), count, "side-by-side")
    cells = cells_of(size, count, "side-by-side")
    assert size == whole
    assert cells[-1] == last
    assert len(set(cells)) == count


def test_picture_in_picture_stands_in_the_lower_right_corner():
    size = whole_size(Size(200, 100), 2, "picture-in-picture")
    first, second = cells_of(size, 2, "picture-in-picture")
    assert first == Cell(0, 0, 200, 100)
    assert second == Cell(137, 67, 60, 30)


@given(
    width=st.integers(16, 300),
    height=st.integers(16, 300),
    count=st.integers(1, 16),
    layout=st.sampled_from(LAYOUTS),
)
def test_every_cell_is_inside_and_holds_a_pixel(width: int, height: int, count: int, layout):
    cells = cells_of(Size(width, height), count, layout)
    assert len(cells) == count
    for cell in cells:
        assert min(cell) >= 0 and min(cell.width, cell.height) >= 1
        assert cell.left + cell.width <= width
        assert cell.top + cell.height <= height


def test_each_picture_is_in_its_place():
    size = Size(160, 60)
    pictures = [np.full((60, 80, 3), level, np.uint8) for level in (50, 200)]
    out = composed(size, cells_of(size, 2, "side-by-side"), pictures, "letterbox")
    assert (out[:, :80] == 50).all()
    assert (out[:, 80:] == 200).all()
