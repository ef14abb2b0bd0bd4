import zlib

import numpy as np
import pytest

from models.errors import UsageError

pytest.importorskip("torch", reason="needs the train extra")

from training.data.tensors import read_rgb, shrink_to


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


def test_a_header_that_promises_billions_of_pixels_is_no_picture(tmp_path):
    size = (60_000).to_bytes(4, "big") * 2
    chunk = b"IHDR" + size + bytes([8, 2, 0, 0, 0])
    data = b"\x89PNG\r\n\x1a\n" + (13).to_bytes(4, "big") + chunk
    path = tmp_path / "giant.png"
    path.write_bytes(data + zlib.crc32(chunk).to_bytes(4, "big") + bytes(64))
    with pytest.raises(UsageError, match=r"giant\.png: not a picture"):
        read_rgb(path)
