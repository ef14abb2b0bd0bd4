import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the train extra")

from training.data.tensors import shrink_to


def test_shrinking_never_enlarges():
    picture = np.zeros((100, 50, 3), np.uint8)
    assert shrink_to(picture, 80).shape == (100, 50, 3)
    assert shrink_to(picture, 25).shape == (50, 25, 3)
    assert shrink_to(picture, 80, longer=True).shape == (80, 40, 3)
