import logging
from dataclasses import replace

import pytest

torch = pytest.importorskip("torch", reason="needs the train extra")

from models.errors import TrainingError, UsageError  # noqa: E402
from training.loop import repair as module  # noqa: E402
from training.loop.checkpoint import load_checkpoint, save_checkpoint  # noqa: E402
from training.loop.train import CHECKPOINT  # noqa: E402

SHORT = 40
"""Steps of a burst that makes the small run better."""
LONG = 240
"""Steps of one that leaves nothing wrong with it."""


def blackened(weights):
    """With a last layer that gives next to nothing but a dark offset: all paintings are black."""
    bias = [name for name in weights if name.endswith("conv.bias")][-1]
    kernel = bias.replace("bias", "weight")
    return weights | {bias: weights[bias] * 0 - 0.3, kernel: weights[kernel] * 0.01}


@pytest.fixture(autouse=True)
def one_thread():
    """How many threads compute a step depends on how busy the machine is, and on that its last
    bits: what a burst mends should not."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def repair(small_training, photographs, style_picture, caplog):
    """`repair` of the run in a folder, which has to be of its own recipe."""
    caplog.set_level(logging.INFO)

    def run(folder, recipe=None):
        recipe = recipe or load_checkpoint(folder / CHECKPOINT).recipe
        return module.repair(recipe, [style_picture], photographs, folder)

    return run


@pytest.fixture
def ill_run(small_training, tmp_path):
    """A folder with the checkpoint of an unfinished run that paints black."""
    small_training(tmp_path)
    checkpoint = load_checkpoint(tmp_path / CHECKPOINT)
    weights, average = blackened(checkpoint.weights), blackened(checkpoint.average)
    ill = replace(checkpoint, weights=weights, average=average, step=8)
    save_checkpoint(ill, tmp_path / CHECKPOINT)
    return tmp_path


def contents(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_training_warns_of_each_ill_preview_in_one_line(small_training, tmp_path, caplog):
    healthy = small_training(tmp_path / "healthy")
    assert not caplog.messages
    small_training(tmp_path / "ill", start=blackened(healthy.average), lr=1e-9)
    first, last = caplog.messages
    assert "preview_000006.png: everything in one colour (1 of 1 paintings" in first
    assert "preview_000012.png" in last
    assert "the same command with --repair may mend it" in last


def test_an_ill_run_is_mended_and_goes_on_from_its_step(
    ill_run, repair, small_training, caplog, monkeypatch
):
    monkeypatch.setattr(module, "BURST_STEPS", LONG)
    mended = repair(ill_run)
    (line,) = caplog.messages
    assert "mended; before: everything in one colour" in line
    assert "after: nothing wrong; loss" in line
    assert not mended.finished
    stored = load_checkpoint(ill_run / CHECKPOINT)
    assert stored.step == 8
    assert all(torch.equal(value, stored.average[name]) for name, value in mended.average.items())
    assert (ill_run / module.REPAIRED).is_file()
    assert small_training(ill_run).step == 12


def test_a_healthy_run_is_left_alone_to_the_byte(small_training, tmp_path, repair, caplog):
    small_training(tmp_path / "run")
    before = contents(tmp_path / "run")
    assert repair(tmp_path / "run") is None
    assert contents(tmp_path / "run") == before
    said = f"{tmp_path / 'run'}: nothing is wrong with its paintings; nothing was changed"
    assert caplog.messages[-1] == said


@pytest.mark.parametrize(
    ("name", "value", "still_black"),
    [("BURST_RATE", 1e-9, True), ("WORSE", 0.0, False)],
    ids=["no healthier", "at the price of the losses"],
)
def test_what_does_not_help_is_said_and_thrown_away(
    ill_run, repair, monkeypatch, caplog, name, value, still_black
):
    monkeypatch.setattr(module, name, value)
    monkeypatch.setattr(module, "BURST_STEPS", SHORT)
    before = contents(ill_run)
    assert repair(ill_run) is None
    assert contents(ill_run) == before
    (line,) = caplog.messages
    assert "not mended, nothing was changed; before: everything in one colour" in line
    assert ("after: everything in one colour" in line) == still_black


def test_a_burst_that_diverges_changes_nothing(ill_run, repair, monkeypatch, caplog):
    monkeypatch.setattr(
        "training.losses.terms.stability_loss", lambda *_: torch.tensor(float("nan"))
    )
    before = contents(ill_run)
    assert repair(ill_run) is None
    assert contents(ill_run) == before
    assert "the burst diverged; nothing was changed" in caplog.text


def test_a_disk_that_is_full_leaves_the_ill_checkpoint(ill_run, repair, monkeypatch):
    def full(_):
        raise OSError(28, "No space left on device")

    before = contents(ill_run)
    monkeypatch.setattr("models.system.atomic_file.os.fsync", full)
    monkeypatch.setattr(module, "BURST_STEPS", SHORT)
    with pytest.raises(TrainingError, match="cannot be written: No space left"):
        repair(ill_run)
    assert contents(ill_run) == before


def test_only_a_run_of_the_same_recipe_is_mended(ill_run, repair, tmp_path):
    recipe = load_checkpoint(ill_run / CHECKPOINT).recipe
    with pytest.raises(UsageError, match="of another recipe"):
        repair(ill_run, recipe.model_copy(update={"style_weight": 2.0}))
    with pytest.raises(UsageError, match="no such checkpoint"):
        repair(tmp_path / "gone", recipe)
