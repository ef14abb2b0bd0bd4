import json
import shutil
import sys

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from models.card import load_card
from models.catalogue import SHIPPED
from models.default_style import DEFAULT_STYLE
from models.errors import UsageError
from models.generator.architecture import dense, folded
from models.generator.parameters import parameter_count
from realtime.sources.demo import PORTRAIT

pytest.importorskip("torch", reason="needs the train extra")

from training.commands.evaluate import evaluate


@pytest.fixture
def invoke(monkeypatch, loss_network, photo_folder):
    monkeypatch.setattr("training.losses.vgg_weights.load_loss_network", lambda *_: loss_network)
    monkeypatch.setattr("training.evaluation.metrics.border", lambda *_: 1.5)  # takes seconds

    def run(*arguments):
        words = [*map(str, arguments), "--images", str(photo_folder), "--style", "marbling"]
        result = CliRunner().invoke(evaluate, words, standalone_mode=False)
        if result.exception is not None:
            raise result.exception
        run.said = result.stderr
        return result.stdout

    return run


def test_the_report_stands_beside_the_unstylised_photographs(invoke):
    output = invoke(DEFAULT_STYLE, "--json")
    plain, style = json.loads(output)
    assert plain["name"] == "unstylised"
    assert plain["quality"]["content"] == 0
    assert style["name"] == DEFAULT_STYLE
    assert style["quality"]["content"] > 0
    assert style["parameters"] == parameter_count(folded(dense()))
    assert style["kilobytes"] == pytest.approx(
        (SHIPPED / f"{DEFAULT_STYLE}.onnx").stat().st_size / 1024
    )
    assert style["milliseconds"] > 0
    assert style["quality"]["warping_clip"] is None


def test_it_says_on_how_many_photographs_it_judges(invoke):
    held_out = json.loads(invoke(DEFAULT_STYLE, "--json"))
    assert [row["photographs"] for row in held_out] == [1, 1]
    assert "judging on 1 photographs, not 16; --all takes any of the 6" in invoke.said
    every = json.loads(invoke(DEFAULT_STYLE, "--json", "--all", "--count", "4"))
    assert [row["photographs"] for row in every] == [4, 4]
    assert invoke.said == ""


def test_a_style_of_several_pictures_is_judged_by_their_shares(invoke):
    wish = ("--style", "ink-hatching", "--style-weights", "1,0", "--json")
    distances = [
        json.loads(invoke("tiny", *wish))[0]["quality"]["style"],
        json.loads(invoke("tiny", "--style", "ink-hatching", "--json"))[0]["quality"]["style"],
    ]
    assert distances[0] != distances[1]
    with pytest.raises(UsageError, match="--style-weights '1': give 2"):
        invoke("tiny", "--style", "ink-hatching", "--style-weights", "1")


def test_without_the_training_extra_it_is_said_in_one_line(invoke, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(UsageError, match="evaluate needs the training extra: pip install"):
        invoke(DEFAULT_STYLE)


def test_people_get_a_table(invoke):
    output = invoke(DEFAULT_STYLE)
    assert "unstylised" in output
    assert f"{parameter_count(folded(dense())):,}" in output


def test_optimisation_stands_beside_a_model_where_asked_for(invoke):
    wish = ("--baseline", "--baseline-count", 1, "--baseline-iterations", 4)
    output = invoke(DEFAULT_STYLE, "--json", *wish)
    plain, style = json.loads(output)
    assert "baseline" not in plain
    reached = style["baseline"]
    assert (reached["photographs"], reached["iterations"]) == (1, 4)
    assert reached["ratio"] == pytest.approx(reached["model_style"] / reached["style"])
    table = invoke(DEFAULT_STYLE, *wish)
    assert "4 iterations of optimisation at the same content distance" in table
    assert f"{reached['ratio']:.2f}" in table


def test_an_unknown_style_and_a_clip_that_is_none_are_named(invoke, tmp_path):
    with pytest.raises(UsageError, match="unknown style 'nope'"):
        invoke("nope")
    (tmp_path / "clip.mp4").write_bytes(b"junk")
    with pytest.raises(UsageError, match=r"clip\.mp4: not a video"):
        invoke(DEFAULT_STYLE, "--clip", tmp_path / "clip.mp4")


def test_faces_are_counted_where_asked_for(invoke, tmp_path):
    shutil.copy(PORTRAIT, tmp_path)
    row = json.loads(invoke(DEFAULT_STYLE, "--faces", tmp_path, "--json"))[1]
    assert row["faces"]["shown"] == 1
    said = invoke(DEFAULT_STYLE, "--faces", tmp_path)
    assert f"{DEFAULT_STYLE}: {row['faces']['found']} of 1 faces can still be found" in said
    assert "faces" not in json.loads(invoke(DEFAULT_STYLE, "--json"))[1]


def test_a_single_portrait_is_judged_whole(invoke, tmp_path):
    """A training on one picture holds a third of it out, and would cut this face in two."""
    wide = np.full((512, 900, 3), 120, np.uint8)
    wide[:, 376:888] = cv2.imread(str(PORTRAIT))
    cv2.imwrite(str(tmp_path / "wide.png"), wide)
    row = json.loads(invoke(DEFAULT_STYLE, "--faces", tmp_path / "wide.png", "--json"))[1]
    assert row["faces"]["shown"] == 1
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match=r"--faces .*empty: no pictures in it"):
        invoke(DEFAULT_STYLE, "--faces", tmp_path / "empty")


def test_a_card_keeps_the_figures_where_asked_for(invoke, tmp_path):
    for suffix in (".onnx", ".yaml"):
        shutil.copy(SHIPPED / f"starry-night-light{suffix}", tmp_path)
    model = tmp_path / "starry-night-light.onnx"
    before = load_card(model)
    row = json.loads(invoke(model, "--keep", "--json"))[1]
    kept = load_card(model).metrics
    assert kept["likeness"] == pytest.approx(row["quality"]["likeness"], abs=1e-4)
    assert "warping_clip" not in kept  # not measured without a clip
    assert load_card(model).training == before.training
