import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("torch", reason="needs the train extra")

from training.evaluation.outlines import outlines_lost


@pytest.fixture
def portrait(photographs):
    return np.ascontiguousarray(photographs.training[0][:160, :160])


@given(contrast=st.floats(0.3, 0.9), brightness=st.integers(10, 20))
@settings(max_examples=10, deadline=None)
def test_another_contrast_loses_none(contrast, brightness):
    random = np.random.default_rng(0)
    places = random.integers(0, 256, (10, 10, 3), dtype=np.uint8)
    source = places.repeat(16, axis=0).repeat(16, axis=1)
    painted = (source * contrast + brightness).astype(np.uint8)
    assert outlines_lost(source, painted) < 0.01


def test_blur_and_strokes_lose_some_and_a_negative_all(portrait):
    blurred = cv2.GaussianBlur(portrait, (0, 0), 2)
    stripes = 40 * ((np.arange(160) // 2) % 2 * 2 - 1)[:, None, None]
    stroked = np.clip(portrait.astype(int) + stripes, 0, 255).astype(np.uint8)
    assert outlines_lost(portrait, portrait) < 1e-5
    assert 0.02 < outlines_lost(portrait, blurred) < 0.9
    assert 0.02 < outlines_lost(portrait, stroked) < 0.9
    assert outlines_lost(portrait, 255 - portrait) == 1


def test_stripes_beside_an_outline_are_none_lost():
    source = np.full((96, 96, 3), 60, np.uint8)
    source[:, 48:] = 200
    stroked = source.copy()
    stroked[::4, :36] += 40
    assert outlines_lost(source, stroked) < 1e-5


def test_an_even_wall_has_none_to_lose(portrait):
    assert outlines_lost(np.full_like(portrait, 120), portrait) == 0


def test_a_painting_of_one_colour_loses_all(portrait):
    assert outlines_lost(portrait, np.full_like(portrait, 120)) == 1
