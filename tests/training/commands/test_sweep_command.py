import csv
import json

import click
import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from models.catalogue import SHIPPED
from models.errors import StylecamError, TrainingError, UsageError

pytest.importorskip("torch", reason="needs the train extra")

from training.commands.sweep import listed, sweep
from training.commands.train import train
from training.config.recipe import Recipe
from training.loop.checkpoint import Checkpoint, load_checkpoint, save_checkpoint

BASE = load_checkpoint(SHIPPED / "base.pt")


def stand_in(refused=()):
    """Trains no trial, but leaves what a training leaves; those with a weight in `refused` fail."""

    def run_trials(trials, _, *, on_end, **__):
        for trial in trials:
            weight = trial.arguments[trial.arguments.index("--style-weight") + 1]
            if float(weight) in refused:
                on_end(trial, f"{weight} is unlucky")
                continue
            if not trial.trained:
                recipe = Recipe(style="marbling", images=("x",), base="e0f7", style_weight=weight)
                fields = vars(BASE) | {"recipe": recipe}
                save_checkpoint(Checkpoint(**fields), trial.folder / "checkpoint.pt")
                (trial.folder / "style.onnx").write_bytes((SHIPPED / "low-poly.onnx").read_bytes())
            on_end(trial, None)

    return run_trials


class StoppedError(Exception):
    """Far enough."""


def stop(*_):
    raise StoppedError


@pytest.fixture
def invoke(monkeypatch, tmp_path, loss_network, photo_folder):
    """`stylecam sweep marbling ARGS` into tmp_path / "out", without the hours of training."""
    monkeypatch.setattr("training.losses.vgg_weights.load_loss_network", lambda *_: loss_network)
    monkeypatch.setattr("training.evaluation.metrics.border", lambda *_: 1.5)  # takes seconds

    def run(*arguments, refused=()):
        monkeypatch.setattr("training.experiments.sweep.run_trials", stand_in(refused))
        words = ["marbling", "--images", photo_folder, "-o", tmp_path / "out", *arguments]
        result = CliRunner().invoke(sweep, [str(word) for word in words], standalone_mode=False)
        if result.exception is not None:
            raise result.exception
        return result.output

    return run


def test_every_combination_stands_in_the_table_and_on_the_sheet(invoke, tmp_path):
    said = invoke("--style-weight", "10,20", "--alpha", "1", "--gram", "image,batch")
    assert "sweep.png: 4 of 4 trials" in said
    rows = list(csv.DictReader((tmp_path / "out" / "sweep.csv").read_text().splitlines()))
    combinations = [(row["style-weight"], row["gram"]) for row in rows]
    assert combinations == [("10", "image"), ("10", "batch"), ("20", "image"), ("20", "batch")]
    assert all(float(row["style"]) > 0 and float(row["content"]) > 0 for row in rows)
    stored = json.loads((tmp_path / "out" / "sweep.json").read_text())
    assert {"style", "content", "total_variation", "warping_synthetic"} <= stored[0][
        "figures"
    ].keys()
    assert stored[0]["arguments"][-2:] == ["--num-images", "800"] or "800" in stored[0]["arguments"]
    sheet = cv2.imread(str(tmp_path / "out" / "sweep.png"))
    assert sheet.std() > 20


def test_options_without_lists_are_passed_on(invoke, tmp_path):
    invoke("--style-weight", "10", "--no-slim", "--fine-tune", "base", "--layers", "relu2_2=1")
    (row,) = json.loads((tmp_path / "out" / "sweep.json").read_text())
    words = " ".join(row["arguments"])
    for passed in ("--no-slim", "--fine-tune base", "--layers relu2_2=1", "--images "):
        assert passed in words


def test_a_failed_trial_says_why_and_the_others_stand(invoke, tmp_path):
    said = invoke("--style-weight", "10,20", refused={20})
    assert "style-weight 20: failed: 20 is unlucky" in said
    assert "1 of 2 trials" in said
    kept, failed = json.loads((tmp_path / "out" / "sweep.json").read_text())
    assert (kept["failure"], failed["failure"]) == (None, "20 is unlucky")
    assert failed["figures"] == {}
    both = cv2.imread(str(tmp_path / "out" / "sweep.png"))
    invoke("--style-weight", "10,20")
    mended = cv2.imread(str(tmp_path / "out" / "sweep.png"))
    assert both.shape[1] == mended.shape[1]
    assert np.abs(mended.astype(int)[: len(both)] - both[: len(mended)]).mean() > 1


def test_where_every_trial_fails_so_does_the_sweep(invoke):
    with pytest.raises(TrainingError, match="every trial failed; the first: 10 is unlucky"):
        invoke("--style-weight", "10,20", refused={10, 20})


def test_a_trial_is_judged_once(invoke, tmp_path):
    invoke("--style-weight", "10")
    result = tmp_path / "out" / "single" / "result.json"
    stored = json.loads(result.read_text())
    stored["figures"]["style"] = 0.125
    result.write_text(json.dumps(stored))
    invoke("--style-weight", "10")
    (row,) = json.loads((tmp_path / "out" / "sweep.json").read_text())
    assert row["figures"]["style"] == 0.125


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--style-weight", "1,2,3,4,5", "--alpha", ".5,.6,1"), r"^15 combinations, about \d+ min"),
        (("--style-weight", "1", "--style-weights", "1,2"), "--style-weights '1,2': give 1"),
    ],
)
def test_wrong_wishes_are_refused_before_anything_is_made(invoke, tmp_path, arguments, message):
    with pytest.raises(UsageError, match=message) as refused:
        invoke(*arguments)
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "out").exists()


def test_many_trials_are_trained_on_demand_or_in_part(invoke, tmp_path):
    many = ("--style-weight", ",".join(map(str, range(1, 15))), "--judged-on", "1")
    assert "2 of 2 trials" in invoke(*many, "--limit", "2")
    assert len(list((tmp_path / "out").glob("style-weight-*"))) == 2


def test_a_list_with_a_word_among_numbers_is_named(tmp_path, photo_folder):
    words = ["marbling", "--images", str(photo_folder), "-o", str(tmp_path), "--alpha", "1,big"]
    result = CliRunner().invoke(sweep, words)
    assert result.exit_code == StylecamError.exit_code + 1
    assert "'big' is not a valid float" in result.output


def test_classic_recipes_can_be_compared(invoke, tmp_path):
    rows = "classic:femmes,classic:notre_dame"
    said = invoke("--recipe", rows, "--style-weight", "10", "--judged-on", "1")
    assert "2 of 2 trials" in said
    rows = list(csv.DictReader((tmp_path / "out" / "sweep.csv").read_text().splitlines()))
    assert [row["recipe"] for row in rows] == ["classic:femmes", "classic:notre_dame"]


@pytest.mark.parametrize("option", [x for x in train.params if listed(x)], ids=lambda x: x.name)
def test_every_number_and_choice_of_train_may_be_a_list(option, monkeypatch, tmp_path):
    seen = {}
    monkeypatch.setattr(
        "training.experiments.sweep.plan_trials", lambda lists, *_: seen.update(lists) or []
    )
    monkeypatch.setattr("training.experiments.sweep.subsample", stop)
    value = option.type.choices[0] if isinstance(option.type, click.Choice) else "1"
    words = ["marbling", "-o", str(tmp_path / "out"), option.opts[0], f"{value},{value}"]
    with pytest.raises(StoppedError):
        CliRunner().invoke(sweep, words, standalone_mode=False, catch_exceptions=False)
    assert len(seen[option.opts[0].removeprefix("--")]) == 2


def test_the_help_shows_what_a_list_may_hold_and_nothing_of_an_installation():
    said = CliRunner().invoke(sweep, ["--help"]).output
    assert "--style-loss gram,wasserstein" in said
    assert "--alpha V,V" in said
    assert "--force" not in said and "--install" not in said
