import subprocess
import sys

import av
import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from models.catalogue import lighter_styles, style_paths
from models.default_style import DEFAULT_STYLE
from realtime.commands.stylize import stylize as stylize_command
from realtime.control import terminal


def stylize(*arguments):
    program = "from realtime.cli import main; main()"
    command = [sys.executable, "-c", program, "stylize", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def write_photo(path, seed=0):
    random = np.random.default_rng(seed)
    picture = cv2.GaussianBlur(random.integers(0, 256, (90, 120, 3), dtype=np.uint8), (0, 0), 4)
    assert cv2.imwrite(str(path), picture)
    return path


@pytest.fixture
def photo(tmp_path):
    return write_photo(tmp_path / "photo.jpg")


@pytest.fixture
def clip(tmp_path):
    path = tmp_path / "clip.mov"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=12)
        stream.width, stream.height, stream.pix_fmt = 128, 96, "yuv420p"
        for i in range(7):
            picture = np.full((96, 128, 3), 30 * i, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    return path


def test_a_photo_is_painted_beside_itself(photo):
    done = stylize(photo)
    assert done.returncode == 0, done.stderr
    target = photo.with_name(f"photo.{DEFAULT_STYLE}.jpg")
    assert f"{photo} -> {target}" in done.stdout
    before, after = cv2.imread(str(photo)), cv2.imread(str(target))
    assert after.shape == before.shape
    assert np.abs(after.astype(int) - before).mean() > 8


def test_a_video_keeps_its_frames_and_rate(clip, tmp_path):
    done = stylize(clip, "-o", tmp_path / "painted.mp4")
    assert done.returncode == 0, done.stderr
    with av.open(str(tmp_path / "painted.mp4")) as container:
        stream = container.streams.video[0]
        assert (stream.width, stream.height, stream.average_rate) == (128, 96, 12)
        assert sum(1 for _ in container.decode(video=0)) == 7


def test_every_style_of_a_folder_goes_into_a_folder(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    for i in range(2):
        write_photo(folder / f"{i}.png", seed=i)
    (folder / "notes.txt").write_text("not a picture")
    done = stylize(folder, "--style", "all", "-o", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    names = style_paths().keys() - lighter_styles(style_paths())
    expected = {f"{i}.{style}.png" for i in range(2) for style in names}
    assert {path.name for path in (tmp_path / "out").iterdir()} == expected


def test_strength_zero_is_the_picture_itself(tmp_path):
    photo = write_photo(tmp_path / "photo.png")
    stylize(photo, "--strength", "0", "-o", tmp_path / "same.png")
    assert (cv2.imread(str(tmp_path / "same.png")) == cv2.imread(str(photo))).all()


def test_one_bad_file_does_not_stop_the_others(photo, tmp_path):
    bad = tmp_path / "bad.mp4"
    bad.write_bytes(b"junk")
    done = stylize(bad, photo, "-o", tmp_path / "out")
    assert done.returncode == 1
    assert "bad.mp4: " in done.stderr
    assert "1 of 2 failed" in done.stderr
    assert (tmp_path / "out" / f"photo.{DEFAULT_STYLE}.jpg").is_file()


def test_a_file_that_is_there_is_kept_unless_forced(photo, tmp_path):
    target = tmp_path / "out.png"
    target.write_bytes(b"precious")
    done = stylize(photo, "-o", target)
    assert done.returncode == 2
    assert "out.png: exists already" in done.stderr
    assert target.read_bytes() == b"precious"
    assert stylize(photo, "-o", target, "--force").returncode == 0
    assert cv2.imread(str(target)) is not None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("gone.jpg",), "gone.jpg: no such file"),
        (("{photo}", "--style", "stary-night"), "did you mean 'starry-night'"),
        (("{photo}", "--strength", "3"), "--strength: "),
        (("{photo}", "--size", "0x0"), "--size: "),
        (("{photo}", "{photo}"), "two of the inputs would go there"),
        (
            ("{photo}", "--style", "tiny", "--style", "mosaic", "-o", "{folder}/a.png"),
            "name a folder",
        ),
        (("{empty}",), "no pictures and no videos"),
        (("{photo}", "--style", "tiny", "--style", "tinny"), "unknown style 'tinny'"),
    ],
)
def test_wrong_wishes_are_refused_in_one_line(photo, tmp_path, arguments, message):
    (tmp_path / "empty").mkdir()
    places = {"photo": photo, "folder": tmp_path, "empty": tmp_path / "empty"}
    done = stylize(*(a.format(**places) for a in arguments))
    assert done.returncode == 2
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_target_that_is_there_is_told_before_anything_is_painted(photo, tmp_path):
    other = write_photo(tmp_path / "zebra.png")
    taken = tmp_path / f"zebra.{DEFAULT_STYLE}.png"
    taken.write_bytes(b"precious")
    done = stylize(photo, other)
    assert done.returncode == 2
    assert f"{taken}: exists already" in done.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"photo.jpg", "zebra.png", taken.name}


def test_a_file_is_painted_whole_and_once_whatever_the_config_says_of_a_run(clip, tmp_path):
    config = tmp_path / "kiosk.yaml"
    config.write_text("source: {loop: true}\nlimit: {frames: 2}\n")
    done = stylize(clip, "--config", config, "-o", tmp_path / "painted.mp4")
    assert done.returncode == 0, done.stderr
    with av.open(str(tmp_path / "painted.mp4")) as container:
        assert sum(1 for _ in container.decode(video=0)) == 7


def test_keys_typed_meanwhile_do_not_change_the_painting(photo, monkeypatch):
    def read_keys(_):
        raise AssertionError("the terminal is read")

    monkeypatch.setattr(terminal.TerminalKeys, "open", read_keys)
    done = CliRunner().invoke(stylize_command, [str(photo)], catch_exceptions=False)
    assert done.exit_code == 0
