import pytest

pytest.importorskip("torch", reason="needs the train extra")

import torch

from training.optimise.checkpoint import digest_of, read_checkpoint, write_checkpoint
from training.optimise.settings import PaintSettings

CPU = torch.device("cpu")


def test_a_state_is_read_by_the_same_painting_only(tmp_path):
    path = tmp_path / "a.png.checkpoint"
    write_checkpoint(path, "mine", {"number": 1, "descent": {"pixels": torch.ones(2)}})
    state = read_checkpoint(path, "mine", CPU)
    assert state["number"] == 1
    assert torch.equal(state["descent"]["pixels"], torch.ones(2))
    assert read_checkpoint(path, "another", CPU) is None


@pytest.mark.parametrize("data", [b"", b"junk", b"PK\x03\x04broken"])
def test_a_damaged_or_missing_file_is_no_state(tmp_path, data):
    assert read_checkpoint(tmp_path / "gone", "mine", CPU) is None
    (tmp_path / "damaged").write_bytes(data)
    assert read_checkpoint(tmp_path / "damaged", "mine", CPU) is None


def test_every_input_counts():
    plain, other = PaintSettings(), PaintSettings(seed=1)
    pictures = [torch.zeros(1, 3, 4, 4), None]
    digests = {
        digest_of(plain, pictures, "vgg16"),
        digest_of(other, pictures, "vgg16"),
        digest_of(plain, pictures, "vgg19"),
        digest_of(plain, [torch.ones(1, 3, 4, 4), None], "vgg16"),
        digest_of(plain, [torch.zeros(1, 3, 2, 8), None], "vgg16"),
        digest_of(plain, pictures[:1], "vgg16"),
    }
    assert len(digests) == 6
    assert digest_of(plain, pictures, "vgg16") in digests
