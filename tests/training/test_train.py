import csv

import cv2
import pytest

from models.errors import TrainingError, UsageError

torch = pytest.importorskip("torch", reason="needs the train extra")

from models.generator import Generator  # noqa: E402
from training.checkpoint import load_checkpoint, save_checkpoint  # noqa: E402
from training.images import to_tensor  # noqa: E402
from training.losses import gram_loss, gram_matrix  # noqa: E402
from training.objective import style_target  # noqa: E402
from training.train import CHECKPOINT  # noqa: E402

LAYERS = ("relu1_2", "relu2_2", "relu3_3", "relu4_1")


class KilledError(Exception):
    pass


def kill_at(step):
    def on_progress(progress):
        if progress.step == step:
            raise KilledError

    return on_progress


def test_training_brings_photographs_nearer_to_the_style(
    small_training, tmp_path, loss_network, photographs, style_picture
):
    recipe_changes = {"num_images": 160, "temporal_weight": 0.0, "content_weight": 0.0}
    trained = small_training(tmp_path / "run", **recipe_changes)
    generator = Generator(trained.architecture)
    generator.load_state_dict(trained.average)
    source = photographs.batch(seed=9, step=0, batch_size=6, crop=64)
    target = style_target(loss_network, [to_tensor(style_picture[None])], [1.0], LAYERS)
    with torch.no_grad():
        painted = generator.eval()(source)
    before, after = (style_error(loss_network, target, x) for x in (source, painted))
    assert after < 0.8 * before


def style_error(network, target, pictures):
    features = network(pictures, LAYERS)
    return sum(float(gram_loss(gram_matrix(features[x]), target.grams[x], "mixed")) for x in LAYERS)


@pytest.mark.parametrize("killed_at", [3, 5, 9])
def test_a_killed_training_ends_with_the_same_weights(small_training, tmp_path, killed_at):
    unbroken = small_training(tmp_path / "unbroken")
    with pytest.raises(KilledError):
        small_training(tmp_path / "broken", on_progress=kill_at(killed_at))
    resumed = small_training(tmp_path / "broken")
    assert resumed.step == unbroken.step == 12
    for name, value in unbroken.average.items():
        assert torch.equal(value, resumed.average[name]), name
    records = [(tmp_path / run / "losses.csv").read_text() for run in ("unbroken", "broken")]
    assert records[0] == records[1]


def test_a_run_leaves_losses_previews_and_a_checkpoint(small_training, tmp_path):
    small_training(tmp_path)
    rows = list(csv.DictReader((tmp_path / "losses.csv").read_text().splitlines()))
    assert [int(row["step"]) for row in rows] == list(range(1, 13))
    assert {"content", "style", "tv", "temporal"} <= rows[0].keys()
    preview = cv2.imread(str(tmp_path / "preview_000006.png"))
    assert preview.shape == (512, 256, 3)
    assert preview[256:].std() > 5
    assert (tmp_path / "checkpoint.json").is_file()


def test_another_recipe_does_not_continue_a_run(small_training, tmp_path):
    small_training(tmp_path, num_images=10)
    with pytest.raises(TrainingError, match="of another recipe"):
        small_training(tmp_path, num_images=12)


def test_weights_of_another_architecture_are_refused(small_training, tmp_path):
    other = small_training(tmp_path / "other", alpha=0.5, num_images=2)
    with pytest.raises(TrainingError, match="another architecture"):
        small_training(tmp_path / "run", start=other.average)


def test_fine_tuning_starts_from_the_given_weights(small_training, tmp_path):
    base = small_training(tmp_path / "base")
    tuned = small_training(tmp_path / "tuned", num_images=2, lr=1e-9, start=base.average)
    name = "core.0.conv.weight"
    assert torch.allclose(tuned.weights[name], base.average[name], atol=1e-6)


def test_values_that_are_not_finite_are_thrown_away_then_reported(
    small_training, tmp_path, monkeypatch
):
    from training import train as module

    monkeypatch.setattr(module, "temporal_loss", lambda *_: torch.tensor(float("nan")))
    with pytest.raises(TrainingError, match="not finite"):
        small_training(tmp_path, num_images=100)


@pytest.mark.parametrize("content", [b"", b"PK junk"])
def test_a_damaged_checkpoint_is_named(small_training, tmp_path, content):
    small_training(tmp_path, num_images=2)
    (tmp_path / CHECKPOINT).write_bytes(content)
    with pytest.raises(TrainingError, match=r"checkpoint\.pt: a damaged or foreign checkpoint"):
        load_checkpoint(tmp_path / CHECKPOINT)


def test_a_missing_checkpoint_is_named(tmp_path):
    with pytest.raises(UsageError, match=r"gone\.pt: no such checkpoint"):
        load_checkpoint(tmp_path / "gone.pt")


def test_a_full_disk_leaves_the_old_checkpoint(small_training, tmp_path, monkeypatch):
    checkpoint = small_training(tmp_path, num_images=2)
    before = (tmp_path / CHECKPOINT).read_bytes()

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("training.checkpoint.os.fsync", full)
    with pytest.raises(TrainingError, match=r"checkpoint\.pt: cannot be written: No space left"):
        save_checkpoint(checkpoint, tmp_path / CHECKPOINT)
    assert (tmp_path / CHECKPOINT).read_bytes() == before
    assert not list(tmp_path.glob("*.partial"))
