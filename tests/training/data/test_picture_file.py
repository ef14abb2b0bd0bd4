import cv2
import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the train extra")

from models.errors import TrainingError, UsageError
from training.data.picture_file import check_output_path, write_picture
from training.data.tensors import read_rgb

PICTURE = cv2.GaussianBlur(
    np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8), (0, 0), 4
)


@pytest.mark.parametrize(("suffix", "off"), [(".png", 0), (".jpg", 3), (".jpeg", 3), (".WEBP", 3)])
def test_what_is_written_is_read_again(tmp_path, suffix, off):
    path = tmp_path / f"out{suffix}"
    check_output_path(path, force=False)
    write_picture(path, PICTURE)
    assert np.abs(read_rgb(path).astype(int) - PICTURE).mean() <= off
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
            check_output_path(tmp_path / name, force=False)
        assert "\n" not in str(refused.value)
    check_output_path(tmp_path / "there.png", force=True)
    assert (tmp_path / "there.png").read_bytes() == b"mine"


def test_a_place_that_went_away_is_named(tmp_path):
    with pytest.raises(TrainingError, match=r"out\.png: cannot be written"):
        write_picture(tmp_path / "gone" / "out.png", PICTURE)
