import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("torch", reason="needs the train extra")

from training.data.augment import CropBox
from training.data.faces.crops import box_around, face_mask


@settings(deadline=None, max_examples=80)
@given(
    shape=st.tuples(st.integers(120, 500), st.integers(120, 500)),
    size=st.sampled_from([(96, 96), (96, 128), (128, 80)]),
    place=st.tuples(st.floats(0, 1), st.floats(0, 1)),
    side=st.integers(20, 80),
    seed=st.integers(0, 999),
)
def test_a_crop_around_a_face_shows_the_middle_of_it(shape, size, place, side, seed):
    height, width = shape
    x, y = place[1] * (width - side), place[0] * (height - side)
    random = np.random.default_rng(seed)
    box = box_around((x, y, side, side), (height, width, 3), size, random)
    assert 0 <= box.top <= height - box.height
    assert 0 <= box.left <= width - box.width
    assert box.top - 1 <= y + side / 2 <= box.top + box.height + 1
    assert box.left - 1 <= x + side / 2 <= box.left + box.width + 1


def test_the_mask_lies_where_the_crop_shows_the_face():
    box = CropBox(top=100, left=50, height=200, width=100)
    mask = face_mask([(90.0, 180.0, 20.0, 40.0)], box, (400, 200))
    rows, columns = np.nonzero(mask)
    assert abs(rows.mean() - 200) < 2  # the face's middle: (200 - 100) · 2
    assert abs(columns.mean() - 100) < 2  # (100 - 50) · 2
    assert np.ptp(columns) == pytest.approx(40 * 1.1, abs=3)
    assert not face_mask([(400.0, 400.0, 20.0, 20.0)], box, (64, 64)).any()
