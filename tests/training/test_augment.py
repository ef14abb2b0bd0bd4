import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("torch", reason="needs the train extra")

from training.augment import cut, vary


@settings(deadline=None, max_examples=40)
@given(
    height=st.integers(20, 300),
    width=st.integers(20, 300),
    crop=st.sampled_from([64, 96]),
    seed=st.integers(0, 99),
)
def test_crops_of_any_picture_have_the_asked_size(height, width, crop, seed):
    random = np.random.default_rng(seed)
    picture = random.integers(0, 256, (height, width, 3), dtype=np.uint8)
    varied = vary(cut(picture, crop, random), random)
    assert varied.shape == (crop, crop, 3)
    assert varied.dtype == np.uint8
