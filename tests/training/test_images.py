import numpy as np
import pytest

from models.errors import UsageError

pytest.importorskip("torch", reason="needs the train extra")

from training.images import read_rgb, shrink_to


def test_an_unreadable_picture_is_named(tmp_path):
    path = tmp_path / "style.jpg"
    path.write_bytes(b"junk")
    with pytest.raises(UsageError, match=r"style\.jpg: not a picture"):
        read_rgb(path)


def test_shrinking_never_enlarges():
    picture = np.zeros((100, 50, 3), np.uint8)
    assert shrink_to(picture, 80).shape == (100, 50, 3)
    assert shrink_to(picture, 25).shape == (50, 25, 3)
    assert shrink_to(picture, 80, longer=True).shape == (80, 40, 3)
