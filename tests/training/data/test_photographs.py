import threading

import cv2
import numpy as np
import pytest

from models.errors import UsageError
from models.pictures import read_picture
from realtime.sources.demo import PORTRAIT

torch = pytest.importorskip("torch", reason="needs the train extra")

from training.data.photographs import HELD_OUT_EVERY, Photographs, hold_out  # noqa: E402
from training.data.tensors import to_tensor  # noqa: E402


def test_a_batch_depends_on_seed_and_step_alone(photographs):
    first = photographs.batch(seed=1, step=5, batch_size=4, size=(64, 96))
    photographs.batch(seed=1, step=6, batch_size=4, size=(64, 96))
    again = photographs.batch(seed=1, step=5, batch_size=4, size=(64, 96))
    other = photographs.batch(seed=2, step=5, batch_size=4, size=(64, 96))
    assert first.shape == (4, 3, 64, 96)
    assert 0 <= float(first.min()) < float(first.max()) <= 1
    assert bool((first == again).all())
    assert bool((first != other).any())


def test_batches_start_where_a_broken_off_training_stopped(photographs):
    stream = photographs.batches(seed=0, start=7, batch_size=2, size=(64, 64))
    for step in (7, 8, 9):
        expected = photographs.batch(seed=0, step=step, batch_size=2, size=(64, 64))
        assert bool((next(stream) == expected).all())


def test_corrupt_pictures_are_skipped_and_counted(photo_folder, caplog):
    (photo_folder / "broken.jpg").write_bytes(b"\xff\xd8 not a picture")
    (photo_folder / "empty.png").touch()
    found = Photographs(photo_folder)
    assert found.skipped == 2
    assert len(found.training) + len(found.held_out) == 6
    assert f"{photo_folder}: skipped 2 unreadable pictures" in caplog.text


def test_several_sources_are_put_together(photo_folder, tmp_path):
    one = tmp_path / "one.png"
    cv2.imwrite(str(one), np.full((300, 300, 3), 200, np.uint8))
    found = Photographs(photo_folder, one, short_side=100)
    assert len(found.training) + len(found.held_out) == 7
    assert found.training[-1].shape == (100, 100, 3)


def test_few_photographs_are_warned_about(photo_folder, caplog):
    Photographs(photo_folder)
    assert "only 6 pictures" in caplog.text


def test_the_packaged_photographs_are_called_few_and_the_way_out_named(caplog):
    found = Photographs("packaged")
    assert found.held_out
    (said,) = [record.message for record in caplog.records]
    assert f"only {len(found.training) + len(found.held_out)} photographs come with" in said
    assert said.endswith("give --images DIR with 200 or more")


def test_many_crops_show_a_face_and_say_where(photo_folder):
    portrait = read_picture(PORTRAIT)
    cv2.imwrite(str(photo_folder / "zz.png"), portrait[..., ::-1])
    found = Photographs(photo_folder, faces=True)
    assert [len(faces) for faces in found.faces] == [0] * (len(found.training) - 1) + [1]
    stream = found.batches(seed=0, start=0, batch_size=40, size=(96, 96))
    crops = next(stream)
    stream.close()
    assert crops.shape == (40, 4, 96, 96)
    marked = crops[:, 3].flatten(1).amax(1) == 1
    assert 5 <= int(marked.sum()) <= 22  # a third, and by chance of the rest one in six
    pictures = found.batch(seed=0, step=0, batch_size=40, size=(96, 96))
    assert torch.equal(pictures, crops[:, :3])
    # Under a mask is skin, which is warm.
    close = crops[marked]
    inside = close[:, :3] * close[:, 3:]
    red, blue = (inside[:, c].sum() / close[:, 3].sum() for c in (0, 2))
    assert float(red) > float(blue) + 0.1


def numbered(count):
    return [np.full((30, 60 if i % 2 else 20, 3), i, np.uint8) for i in range(count)]


@pytest.mark.parametrize("count", [3, 40, 41, 200])
def test_what_is_held_out_is_not_trained_on(count):
    training, held_out = hold_out(numbered(count))
    trained, kept = ({int(p[0, 0, 0]) for p in pictures} for pictures in (training, held_out))
    assert not trained & kept
    assert len(trained) + len(kept) == count
    assert len(kept) == -(-count // HELD_OUT_EVERY)


@pytest.mark.parametrize("count", [1, 2])
def test_a_third_of_one_of_very_few_pictures_is_held_out(count):
    pictures = numbered(count)
    pictures[0] = np.arange(30 * 60 * 3).reshape(30, 60, 3).astype(np.uint8)
    training, held_out = hold_out(pictures)
    assert len(training) == count
    assert (np.hstack([training[0], held_out[0]]) == pictures[0]).all()
    assert held_out[0].shape == (30, 20, 3)


def test_an_empty_and_a_missing_folder_are_named(tmp_path):
    with pytest.raises(UsageError, match=f"{tmp_path}: no pictures in it"):
        Photographs(tmp_path)
    with pytest.raises(UsageError, match=r"gone: no such folder"):
        Photographs(tmp_path / "gone")


def test_torch_computes_in_the_thread_that_trains(photographs, monkeypatch):
    """Elsewhere it would get OpenMP threads of its own, and all would wait for each other."""
    computed = []

    def noted(crops):
        computed.append(threading.current_thread())
        return to_tensor(crops)

    monkeypatch.setattr("training.data.photographs.to_tensor", noted)
    batches = photographs.batches(seed=1, start=3, batch_size=2, size=(64, 64))
    given = [next(batches) for _ in range(3)]
    batches.close()
    assert computed == [threading.current_thread()] * 3
    for step, batch in enumerate(given, 3):
        expected = photographs.batch(seed=1, step=step, batch_size=2, size=(64, 64))
        assert torch.equal(batch, expected)
