import csv
import json
from types import SimpleNamespace

import cv2
import pytest

from models.errors import TrainingError, UsageError

torch = pytest.importorskip("torch", reason="needs the train extra")

from models.generator.architecture import dense  # noqa: E402
from models.generator.network import Generator, load_generator  # noqa: E402
from training.commands.new_style.recipe import starts  # noqa: E402
from training.config.recipe import Recipe  # noqa: E402
from training.data.batch import crop_size, make_batch, overlap_of  # noqa: E402
from training.data.tensors import to_tensor  # noqa: E402
from training.loop.checkpoint import load_checkpoint, save_checkpoint  # noqa: E402
from training.loop.train import CHECKPOINT  # noqa: E402
from training.loop.trainer import RENORMED_RATE_SHARE, Trainer, load_weights  # noqa: E402
from training.losses.perceptual import gram_loss, gram_matrix  # noqa: E402
from training.losses.style_target import style_target  # noqa: E402
from training.runtime.device import CPU  # noqa: E402

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
    recipe_changes = {
        "num_images": 320,
        "temporal_weight": 0.0,
        "content_weight": 0.0,
    }
    finished = small_training(tmp_path / "run", **recipe_changes)
    generator = Generator(finished.architecture)
    generator.load_state_dict(finished.average)
    source = photographs.batch(seed=9, step=0, batch_size=6, size=(64, 64))
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


def test_a_stopped_training_saves_at_once_and_ends_with_the_same_weights(
    small_training, tmp_path, caplog
):
    caplog.set_level("INFO")
    steps = []
    unbroken = small_training(tmp_path / "unbroken")
    stopped = small_training(
        tmp_path / "broken",
        on_progress=lambda progress: steps.append(progress.step),
        stopped=lambda: steps[-1:] == [7],
        checkpoint_every=99,
    )
    assert stopped.step == load_checkpoint(tmp_path / "broken" / CHECKPOINT).step == 7
    assert not stopped.finished
    resumed = small_training(tmp_path / "broken", checkpoint_every=99)
    assert "goes on at step 7 of 12" in caplog.text
    for name, value in unbroken.average.items():
        assert torch.equal(value, resumed.average[name]), name


def test_the_rate_is_lower_once_running_statistics_paint(small_training, tmp_path):
    rates = {}
    for share in (0.0, 1.0):
        trainer = small_training(
            tmp_path / str(share), num_images=2, warmup_steps=0, renorm_from=share
        )
        rates[share] = trainer.optimizer["param_groups"][0]["lr"]
    assert rates[0.0] == pytest.approx(RENORMED_RATE_SHARE * rates[1.0])


def test_what_overlaps_is_painted_alike_where_that_is_weighed(
    small_training, photographs, tmp_path
):
    steady, other = (
        small_training(tmp_path / name, num_images=160, temporal_weight=weight, stability_every=1)
        for name, weight in (("steady", 5000.0), ("other", 0.0))
    )
    crops = photographs.batch(seed=5, step=0, batch_size=4, size=crop_size(steady.recipe))
    unrest = []
    for made in (steady, other):
        generator = load_generator(made.architecture, made.average)
        batch = make_batch(steady.recipe, crops, 0)
        pair = [generator.paint_window(batch[x], 64, 64) for x in ("window", "again")]
        first, second = overlap_of(*pair, batch)
        unrest.append(float((first - second).square().mean()))
    assert unrest[0] < 0.7 * unrest[1]
    assert "stability" in (tmp_path / "steady" / "losses.csv").read_text().splitlines()[0]
    assert "stability" not in (tmp_path / "other" / "losses.csv").read_text().splitlines()[0]


def test_a_run_leaves_losses_previews_and_a_checkpoint(small_training, tmp_path):
    small_training(tmp_path)
    rows = list(csv.DictReader((tmp_path / "losses.csv").read_text().splitlines()))
    assert [int(row["step"]) for row in rows] == list(range(1, 13))
    assert {"content", "style", "range", "stability"} <= rows[0].keys()
    preview = cv2.imread(str(tmp_path / "preview_000006.png"))
    assert preview.shape == (512, 256, 3)
    assert preview[256:].std() > 5
    assert cv2.imread(str(tmp_path / "previews.png")) is not None
    assert (tmp_path / "checkpoint.json").is_file()


def test_crops_of_any_shape_are_trained_on(small_training, tmp_path):
    finished = small_training(tmp_path, image_size=(70, 101), num_images=4)
    assert all(torch.isfinite(value).all() for value in finished.weights.values())


def test_the_low_rate_tail_is_resumed_exactly(small_training, tmp_path):
    classic = {"schedule": "tail", "tail": 0.5}
    unbroken = small_training(tmp_path / "unbroken", **classic)
    with pytest.raises(KilledError):
        small_training(tmp_path / "broken", on_progress=kill_at(8), **classic)
    resumed = small_training(tmp_path / "broken", **classic)
    linear = small_training(tmp_path / "linear")
    name = "core.0.conv.weight"
    assert torch.equal(unbroken.weights[name], resumed.weights[name])
    assert not torch.equal(unbroken.weights[name], linear.weights[name])


def test_another_recipe_does_not_continue_a_run(small_training, tmp_path):
    small_training(tmp_path, num_images=10)
    with pytest.raises(UsageError, match=r"another recipe \(num_images: 10, now 12\)"):
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


OLDER = [
    {"shortcut": False},
    {"shortcut": False, "adaptive": False},
]


def older(options):
    return {"model_size": "dense", "options": {"blocks": 1} | options}


@pytest.mark.parametrize("options", OLDER)
def test_weights_from_before_start_a_training_of_today_as_they_are(options):
    torch.manual_seed(0)
    before = Generator(dense(0.25, blocks=1, **options)).eval().requires_grad_(False)
    after = Generator(dense(0.25, blocks=1)).eval().requires_grad_(False)
    assert starts(after.architecture, before.architecture)
    assert not starts(before.architecture, after.architecture)
    load_weights(after, before.state_dict())
    picture = torch.rand(1, 3, 40, 48)
    assert torch.allclose(before(picture), after(picture), atol=1e-5)


def spoil(monkeypatch, name, *, calls, factor=float("nan")):
    """Multiply what the function `name` of a step gives in these calls, counted from 0."""
    from training.data import batch
    from training.losses import terms

    module = terms if hasattr(terms, name) else batch

    real, count = getattr(module, name), iter(range(10**6))

    def spoiled(*arguments):
        value = real(*arguments)
        return value * factor if next(count) in calls else value

    monkeypatch.setattr(module, name, spoiled)


def steps_recorded(folder):
    rows = csv.DictReader((folder / "losses.csv").read_text().splitlines())
    return [int(row["step"]) for row in rows if "nan" not in row.values()]


def total_losses(folder):
    rows = csv.DictReader((folder / "losses.csv").read_text().splitlines())
    return [sum(float(value) for name, value in row.items() if name != "step") for row in rows]


def test_a_step_with_a_value_that_is_not_finite_leaves_no_trace(
    small_training, tmp_path, monkeypatch
):
    spoil(monkeypatch, "disturbed", calls={4})  # the first call measures memory
    finished = small_training(tmp_path)
    assert finished.step == 12
    assert finished.rollbacks == 0
    assert all(torch.isfinite(value).all() for value in finished.weights.values())
    assert steps_recorded(tmp_path) == [1, 2, 3, *range(5, 13)]


@pytest.mark.parametrize("factor", [float("nan"), float("inf"), 1e4])
def test_a_diverged_training_goes_on_from_its_last_good_state(
    small_training, tmp_path, monkeypatch, caplog, factor
):
    spoil(monkeypatch, "stability_loss", calls=range(7, 28), factor=factor)
    finished = small_training(tmp_path, num_images=80)
    assert (finished.step, finished.rollbacks) == (40, 1)
    assert "back to step 5, at 0.5 times the rate" in caplog.text
    assert steps_recorded(tmp_path) == list(range(1, 41))
    assert max(total_losses(tmp_path)) < 1e4
    assert load_checkpoint(tmp_path / CHECKPOINT).rollbacks == 1


def test_a_training_that_always_diverges_ends_with_its_checkpoint_intact(
    small_training, tmp_path, monkeypatch
):
    spoil(monkeypatch, "stability_loss", calls=range(7, 999))
    with pytest.raises(TrainingError, match=r"losses blow up.*last checkpoint is intact"):
        small_training(tmp_path, num_images=200)
    assert load_checkpoint(tmp_path / CHECKPOINT).step == 5


def test_a_short_training_without_one_finite_step_is_not_finished(
    small_training, tmp_path, monkeypatch
):
    spoil(monkeypatch, "stability_loss", calls=range(99))
    with pytest.raises(TrainingError, match="finite in no step, so nothing was learned"):
        small_training(tmp_path, num_images=8)
    assert not (tmp_path / CHECKPOINT).exists()


def test_a_training_without_gain_winds_down_alike_when_resumed(
    small_training, tmp_path, monkeypatch
):
    monkeypatch.setattr("training.loop.early_stopping.AVERAGED_STEPS", 6)
    still = {"lr": 1e-12, "num_images": 80, "patience": 8, "temporal_weight": 0.0}
    unbroken = small_training(tmp_path / "unbroken", **still)
    assert 10 / 0.6 <= unbroken.step == unbroken.end < 40
    for killed_at in (8, unbroken.end - 1):
        with pytest.raises(KilledError):
            small_training(tmp_path / "broken", on_progress=kill_at(killed_at), **still)
    resumed = small_training(tmp_path / "broken", **still)
    assert resumed.step == unbroken.step
    assert all(torch.equal(v, resumed.average[k]) for k, v in unbroken.average.items())


def test_a_roll_back_to_before_the_wind_down_undoes_it():
    recipe = Recipe(style="test", images="photos", alpha=0.25, num_images=80, batch_size=2)  # type: ignore[arg-type]
    trainer = Trainer(recipe, SimpleNamespace(device=CPU), None)  # type: ignore[arg-type]
    trainer.step = 10
    trainer.start_tail()
    assert trainer.end == 20
    trainer.roll_back()
    assert (trainer.step, trainer.end) == (0, 40)


@pytest.mark.parametrize("content", [b"", b"PK junk"])
def test_a_damaged_checkpoint_is_named(small_training, tmp_path, content):
    small_training(tmp_path, num_images=2)
    (tmp_path / CHECKPOINT).write_bytes(content)
    with pytest.raises(TrainingError, match=r"checkpoint\.pt: a damaged or foreign checkpoint"):
        load_checkpoint(tmp_path / CHECKPOINT)


def test_a_missing_checkpoint_is_named(tmp_path):
    with pytest.raises(UsageError, match=r"gone\.pt: no such checkpoint"):
        load_checkpoint(tmp_path / "gone.pt")


def test_a_checkpoint_of_before_roll_backs_is_read(small_training, tmp_path):
    small_training(tmp_path, num_images=2)
    stored = torch.load(tmp_path / CHECKPOINT, weights_only=True)
    old = {k: v for k, v in stored.items() if k not in ("rollbacks", "end", "at_once")}
    torch.save(old, tmp_path / CHECKPOINT)
    checkpoint = load_checkpoint(tmp_path / CHECKPOINT)
    assert (checkpoint.rollbacks, checkpoint.end, checkpoint.micro_batch) == (0, 0, 0)


def test_a_run_of_before_the_fields_were_renamed_goes_on(small_training, tmp_path):
    small_training(tmp_path, num_images=20)
    stored = torch.load(tmp_path / CHECKPOINT, weights_only=True)
    recipe = json.loads(stored["recipe"])
    for name in ("image_size", "style_scale", "style_fit", "tail", "schedule"):
        del recipe[name]
    recipe |= {"crop": 64, "style_size": 448, "decay_from": 0.5, "images": recipe["images"][0]}
    torch.save(stored | {"recipe": json.dumps(recipe)}, tmp_path / CHECKPOINT)
    assert small_training(tmp_path, num_images=20).step == 10


@pytest.mark.parametrize("options", OLDER)
def test_an_older_recipe_says_what_it_did_not_know(options, small_training, tmp_path):
    old = small_training(tmp_path, num_images=4, **older(options))
    stored = torch.load(tmp_path / CHECKPOINT, weights_only=True)
    recipe = json.loads(stored["recipe"])
    for unknown in options:
        del recipe["options"][unknown]
    torch.save(stored | {"recipe": json.dumps(recipe)}, tmp_path / CHECKPOINT)
    read = load_checkpoint(tmp_path / CHECKPOINT)
    assert read.recipe.architecture == read.architecture == old.architecture
    assert small_training(tmp_path, num_images=4, **older(options)).step == 2


def test_a_full_disk_leaves_the_old_checkpoint(small_training, tmp_path, monkeypatch):
    checkpoint = small_training(tmp_path, num_images=2)
    before = (tmp_path / CHECKPOINT).read_bytes()

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("models.system.atomic_file.os.fsync", full)
    with pytest.raises(TrainingError, match=r"checkpoint\.pt: cannot be written: No space left"):
        save_checkpoint(checkpoint, tmp_path / CHECKPOINT)
    assert (tmp_path / CHECKPOINT).read_bytes() == before
    assert not list(tmp_path.glob("*.partial"))
