import zlib

import cv2
import numpy as np
import pytest

from models.errors import SourceFault, StylecamError, UsageError
from models.pictures import check_output_picture, read_picture, write_picture

PICTURE = cv2.GaussianBlur(
    np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8), (0, 0), 4
)


@pytest.mark.parametrize(("suffix", "off"), [(".png", 0), (".jpg", 3), (".jpeg", 3), (".WEBP", 3)])
def test_what_is_written_is_read_again(tmp_path, suffix, off):
    path = tmp_path / f"out{suffix}"
    check_output_picture(path, overwrite=False)
    write_picture(path, PICTURE)
    assert np.abs(read_picture(path).astype(int) - PICTURE).mean() <= off
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_places_that_cannot_be_meant_are_refused(tmp_path):
    (tmp_path / "there.png").write_bytes(b"mine")
    (tmp_path / "folder.png").mkdir()
    for name, message in [
        ("out.gif", r"unknown picture format '\.gif'; one of: \.png"),
        ("out", "no file ending"),
        ("gone/out.png", "there is no folder"),
        ("folder.png", "is a folder"),
        ("there.png", "exists already; --force"),
    ]:
        with pytest.raises(UsageError, match=message) as refused:
            check_output_picture(tmp_path / name, overwrite=False)
        assert "\n" not in str(refused.value)
    check_output_picture(tmp_path / "there.png", overwrite=True)
    assert (tmp_path / "there.png").read_bytes() == b"mine"


def test_a_place_that_went_away_is_named(tmp_path):
    with pytest.raises(StylecamError, match=r"out\.png: cannot be written"):
        write_picture(tmp_path / "gone" / "out.png", PICTURE)


def test_a_picture_too_large_for_its_format_is_named(tmp_path):
    with pytest.raises(StylecamError, match=r"long\.jpg: a picture of 65536×2 pixels cannot"):
        write_picture(tmp_path / "long.jpg", np.zeros((2, 65_536, 3), np.uint8))


def test_an_unreadable_picture_is_named(tmp_path):
    path = tmp_path / "style.jpg"
    path.write_bytes(b"junk")
    with pytest.raises(UsageError, match=r"style\.jpg: not a picture"):
        read_picture(path)
    with pytest.raises(SourceFault, match=r"style\.jpg: not a picture"):
        read_picture(path, error=SourceFault)


def test_a_header_that_promises_billions_of_pixels_is_no_picture(tmp_path):
    size = (60_000).to_bytes(4, "big") * 2
    chunk = b"IHDR" + size + bytes([8, 2, 0, 0, 0])
    data = b"\x89PNG\r\n\x1a\n" + (13).to_bytes(4, "big") + chunk
    path = tmp_path / "giant.png"
    path.write_bytes(data + zlib.crc32(chunk).to_bytes(4, "big") + bytes(64))
    with pytest.raises(UsageError, match=r"giant\.png: not a picture"):
        read_picture(path)
