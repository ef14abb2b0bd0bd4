"""The split view, and what is shown when there is no picture."""

import numpy as np
import pytest

from realtime.frames.views import DIVIDER, placeholder, split


def test_split_has_the_original_left_and_the_painting_right():
    original = np.random.default_rng(0).integers(0, 256, (60, 80, 3), np.uint8)
    shown = split(original, 255 - original)
    half = DIVIDER // 2
    assert np.array_equal(shown[:, : 40 - half], original[:, : 40 - half])
    assert np.array_equal(shown[:, 40 + half :], 255 - original[:, 40 + half :])


@pytest.mark.parametrize("size", [(48, 48), (720, 1280)])
def test_the_placeholder_is_of_that_size_dark_and_says_something(size: tuple[int, int]):
    picture = placeholder(*size)
    assert picture.shape == (*size, 3)
    assert picture.mean() < 60
    assert picture.std() > 0
