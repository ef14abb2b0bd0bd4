import numpy as np
import pytest

from training.data.procedural_styles import PROCEDURAL_STYLES


@pytest.fixture
def drawn_once():
    """These tests draw each time."""


@pytest.mark.parametrize("name", PROCEDURAL_STYLES)
def test_drawn_styles_are_repeatable_bold_and_of_any_size(name):
    picture = PROCEDURAL_STYLES[name](160, 3)
    assert picture.shape == (160, 160, 3)
    assert picture.dtype == np.uint8
    assert (picture == PROCEDURAL_STYLES[name](160, 3)).all()
    assert (picture != PROCEDURAL_STYLES[name](160, 4)).any()
    assert picture.std() > 40  # a bold contrast
