import pytest

from models.errors import TrainingError, UsageError

pytest.importorskip("torch", reason="needs the train extra")

from training.photographs import Photographs


def test_a_batch_depends_on_seed_and_step_alone(photographs):
    first = photographs.batch(seed=1, step=5, batch_size=4, crop=64)
    photographs.batch(seed=1, step=6, batch_size=4, crop=64)
    again = photographs.batch(seed=1, step=5, batch_size=4, crop=64)
    other = photographs.batch(seed=2, step=5, batch_size=4, crop=64)
    assert first.shape == (4, 3, 64, 64)
    assert 0 <= float(first.min()) < float(first.max()) <= 1
    assert bool((first == again).all())
    assert bool((first != other).any())


def test_batches_start_where_a_broken_off_training_stopped(photographs):
    stream = photographs.batches(seed=0, start=7, batch_size=2, crop=64)
    for step in (7, 8, 9):
        expected = photographs.batch(seed=0, step=step, batch_size=2, crop=64)
        assert bool((next(stream) == expected).all())


def test_corrupt_pictures_are_skipped_and_counted(photo_folder):
    (photo_folder / "broken.jpg").write_bytes(b"\xff\xd8 not a picture")
    (photo_folder / "empty.png").touch()
    (photo_folder / "notes.txt").write_text("no picture, and not called one")
    found = Photographs(photo_folder)
    assert found.skipped == 2
    assert len(found.training) == 6


def test_few_photographs_are_warned_about(photo_folder, caplog):
    Photographs(photo_folder)
    assert "only 6 pictures" in caplog.text


def test_an_empty_and_a_missing_folder_are_named(tmp_path):
    with pytest.raises(TrainingError, match=f"{tmp_path}: no pictures in it"):
        Photographs(tmp_path)
    with pytest.raises(UsageError, match=r"gone: no such folder"):
        Photographs(tmp_path / "gone")
