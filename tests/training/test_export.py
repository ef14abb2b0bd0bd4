import cv2
import numpy as np
import pytest

from models.card import load_card
from models.errors import ModelError

pytest.importorskip("torch", reason="needs the train extra")

from training import export


def test_a_trained_checkpoint_becomes_a_style(small_training, tmp_path):
    small_training(tmp_path / "run", num_images=4, style="../private/a.jpg marbling")
    out = tmp_path / "mine.onnx"
    export.export_checkpoint(tmp_path / "run", out)
    card = load_card(out)
    assert (card.name, card.title, card.architecture, card.alpha) == ("mine", "Mine", "fast", 0.25)
    assert card.training["steps"] == 2
    # Nobody's folder names belong into a shared file.
    assert "images" not in card.training
    assert card.training["style"] == "a.jpg marbling"
    assert b"private" not in out.read_bytes()


def test_a_graph_that_paints_something_else_is_not_written(small_training, tmp_path, monkeypatch):
    small_training(tmp_path / "run", num_images=4)
    fold = export.fold_weights

    def broken(architecture, weights):
        return {
            k: v + 0.05 if k.endswith("bias") else v for k, v in fold(architecture, weights).items()
        }

    monkeypatch.setattr(export, "fold_weights", broken)
    with pytest.raises(ModelError, match="differs from torch"):
        export.export_checkpoint(tmp_path / "run", tmp_path / "mine.onnx")
    assert not list(tmp_path.glob("mine.*"))


def test_the_preview_is_the_painted_picture(small_training, tmp_path):
    small_training(tmp_path / "run", num_images=4, options={"residual": True})
    export.export_checkpoint(tmp_path / "run", tmp_path / "mine.onnx")
    picture = np.zeros((200, 300, 3), np.uint8)
    picture[:, 50:150] = (200, 40, 40)
    export.write_preview(tmp_path / "mine.onnx", picture, tmp_path / "mine.jpg")
    preview = cv2.imread(str(tmp_path / "mine.jpg"))
    assert preview.shape == (256, 256, 3)
    # Hardly trained, so still near its input: red left of black, RGB not turned into BGR.
    assert preview[128, 40, 2] > preview[128, 40, 0] + 50
    # The middle square of it, not all of it squashed.
    red = preview[128, :, 2] > 100
    assert abs(int(red.sum()) - 128) < 12 and red[:100].all()
