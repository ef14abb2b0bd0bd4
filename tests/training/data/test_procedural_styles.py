import numpy as np
import pytest

from training.data.procedural_styles import DRAWN


@pytest.mark.parametrize("name", DRAWN)
def test_drawn_styles_are_repeatable_bold_and_of_any_size(name):
    picture = DRAWN[name](160, 3)
    assert picture.shape == (160, 160, 3)
    assert picture.dtype == np.uint8
    assert (picture == DRAWN[name](160, 3)).all()
    assert (picture != DRAWN[name](160, 4)).any()
    assert picture.std() > 40  # a bold contrast
