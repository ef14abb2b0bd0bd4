"""Videos that are painted in part, or in parts: excerpts, animations, and what goes on later."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from models.pictures import read_picture
from realtime.commands import stylize as module
from realtime.commands.batch.parts import whole_until
from tests.realtime.media import (
    PICTURES,
    SOUND,
    difference,
    ffmpeg,
    heard,
    lag,
    length,
    needs_ffmpeg,
    painted,
    probe,
    shown,
)

pytestmark = needs_ffmpeg
H264_AAC = "-c:v libx264 -crf 10 -g 25 -pix_fmt yuv420p -c:a aac"


def film(path, seconds=4, rate=10):
    pictures = PICTURES.replace("d=2", f"d={seconds}").replace("r=10", f"r={rate}")
    ffmpeg(pictures, SOUND.replace("d=2", f"d={seconds}"), H264_AAC, path)
    return path


@pytest.mark.parametrize("suffix", [".mp4", ".avi"])
def test_an_excerpt_has_the_pictures_and_the_sound_of_its_time(tmp_path, suffix):
    source, target = film(tmp_path / "in.mp4"), tmp_path / f"out{suffix}"
    assert painted(source, target, "--start", "1.25", "--end", "0:03").exit_code == 0
    assert length(target) == pytest.approx(1.75, abs=0.1)
    # From the middle of a picture on: its rest is shown first.
    expected = shown(source, rate=40)[50:120]
    assert difference(expected, shown(target, rate=40)) <= 3
    assert abs(lag(heard(source)[int(1.25 * 8000) : 3 * 8000], heard(target))) <= 0.03


def test_the_end_of_a_long_film_is_found_without_painting_or_decoding_all_of_it(tmp_path):
    source, target = film(tmp_path / "in.mkv", seconds=40), tmp_path / "out.mp4"
    assert painted(source, target, "--start", "38.5", "--quality", "90").exit_code == 0
    assert difference(shown(source, rate=10)[385:], shown(target, rate=10)) <= 3
    assert abs(lag(heard(source)[int(38.5 * 8000) :], heard(target))) <= 0.03


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--start", "9"), "in.mp4: has no picture after 9 s"),
        (("--start", "2", "--end", "1"), "end 1 s must come after start 2 s"),
        (("--start", "soon"), "--start: write a duration as seconds"),
    ],
)
def test_a_part_that_is_not_there_is_one_line(tmp_path, options, said):
    done = painted(film(tmp_path / "in.mp4", 1), tmp_path / "out.mp4", *options)
    assert said in str(done.exception)
    assert len(str(done.exception).splitlines()) == 1
    assert not (tmp_path / "out.mp4").exists()


@pytest.mark.parametrize("suffix", [".gif", ".webp"])
def test_a_video_becomes_an_animation(tmp_path, suffix):
    source, target = film(tmp_path / "in.mp4", 2), tmp_path / f"out{suffix}"
    assert painted(source, target, "--start", "0.5", "--end", "1.5").exit_code == 0
    with Image.open(target) as image:
        assert image.n_frames == 10
        expected = shown(source, rate=10)[5:15]
        for i in range(10):
            image.seek(i)
            rgb = np.asarray(image.convert("RGB")).astype(int)
            assert image.info["duration"] == 100
            assert np.abs(rgb - expected[i]).mean() <= 12  # chroma at half the size


def test_an_animation_stays_one_beside_itself_unless_another_format_is_asked_for(tmp_path):
    frames = [Image.new("RGB", (32, 32), (level,) * 3) for level in (20, 200)]
    source = tmp_path / "in.gif"
    frames[0].save(source, save_all=True, append_images=frames[1:], duration=100)
    for options in ([], ["--format", "webm"]):
        done = module.stylize.main(
            [str(source), "--style", "tiny", *options], standalone_mode=False
        )
        assert not done
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"in.gif", "in.tiny.gif", "in.tiny.webm"}


def test_scale_view_mirror_and_quality_count(tmp_path):
    rgb = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(rgb).save(tmp_path / "in.png")
    for name, *options in (
        ("mirrored.png", "--mirror"),
        ("original.png", "--view", "original", "--strength", "1"),
        ("small.png", "--strength", "1", "--scale", "0.5"),
        ("whole.png", "--strength", "1"),
        ("good.jpg", "--quality", "95"),
        ("bad.jpg", "--quality", "20"),
    ):
        arguments = [str(tmp_path / "in.png"), "--strength", "0", "-o", str(tmp_path / name)]
        if "--strength" in options:
            del arguments[1:3]
        module.stylize.main([*arguments, *options], standalone_mode=False)

    def pixels(name):
        with Image.open(tmp_path / name) as image:
            return np.asarray(image).astype(int)

    assert (pixels("mirrored.png") == rgb[:, ::-1]).all()
    assert (pixels("original.png") == rgb).all()
    assert np.abs(pixels("small.png") - pixels("whole.png")).mean() > 1
    sizes = {name: (tmp_path / name).stat().st_size for name in ("good.jpg", "bad.jpg")}
    assert sizes["bad.jpg"] < sizes["good.jpg"] / 2


@pytest.mark.parametrize(
    ("suffix", "part"),
    [(".mp4", ()), (".mkv", ("--start", "0.3", "--end", "3.6")), (".webm", ())],
)
def test_after_ctrl_c_a_video_goes_on_where_it_was(tmp_path, monkeypatch, suffix, part):
    source, target = film(tmp_path / "in.mp4"), tmp_path / f"out{suffix}"
    whole = tmp_path / f"whole{suffix}"
    assert painted(source, whole, *part).exit_code == 0
    run, starts = module.run_pipeline, []

    def stopped(config, *arguments, **options):
        starts.append(config.source.start)
        until = [1.7, 2.9, None][len(starts) - 1]
        cut = config.source.model_copy(update={"end": until or config.source.end})
        run(config.model_copy(update={"source": cut}), *arguments, **options)
        if until:
            raise module.click.exceptions.Exit(130)

    monkeypatch.setattr(module, "run_pipeline", stopped)
    for _ in range(2):
        done = painted(source, target, *part)
        assert done.exit_code == 130
        assert not target.exists()
    done = painted(source, target, *part)
    assert done.exit_code == 0, done.output
    begin = float(part[1]) if part else 0.0
    assert starts == [begin, *(pytest.approx(begin + s, abs=0.11) for s in (1.0, 2.1))]
    assert f"went on at {starts[-1] - begin:.1f} s" in done.output
    assert {path.name for path in tmp_path.iterdir()} == {"in.mp4", target.name, whole.name}
    assert length(target) == pytest.approx(length(whole), abs=0.03)
    assert len(shown(target)) == pytest.approx(len(shown(whole)), abs=1)
    assert difference(shown(whole), shown(target)) <= 2
    assert abs(lag(heard(whole), heard(target))) <= 0.01
    kinds = [stream["codec_type"] for stream in probe(target)["streams"]]
    assert kinds == ["video", "audio"]


def test_another_wish_begins_anew(tmp_path, monkeypatch):
    source, target = film(tmp_path / "in.mp4"), tmp_path / "out.mp4"
    run, starts = module.run_pipeline, []

    def stopped(config, *arguments, **options):
        starts.append(config.source.start)
        run(config, *arguments, **options)
        if len(starts) == 1:
            raise module.click.exceptions.Exit(130)

    monkeypatch.setattr(module, "run_pipeline", stopped)
    assert painted(source, target).exit_code == 130
    assert painted(source, target, "--mirror").exit_code == 0
    assert starts == [0.0, 0.0]


def command(*arguments: object) -> list[str]:
    program = "from realtime.cli import main; main()"
    return [sys.executable, "-c", program, "stylize", *map(str, arguments)]


def test_a_video_that_was_killed_goes_on_where_it_was(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    source, target = film(tmp_path / "in.mkv", seconds=8, rate=25), tmp_path / "out.mp4"
    wanted = command(source, "--style", "tiny", "-o", target)
    with subprocess.Popen(wanted, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as first:
        unfinished = tmp_path / ".unfinished-out.mp4"
        deadline = time.monotonic() + 60
        while whole_until(unfinished) < 1 and time.monotonic() < deadline:
            time.sleep(0.05)
        os.kill(first.pid, signal.SIGKILL)
    assert not target.exists()
    begun = whole_until(unfinished)
    done = subprocess.run(wanted, capture_output=True, text=True, timeout=120, check=True)
    assert f"went on at {begun:.1f} s" in done.stderr
    assert length(target) == pytest.approx(8, abs=0.05)
    assert sum(1 for _ in shown(target, rate=25)) == pytest.approx(200, abs=1)
    assert {path.name for path in tmp_path.iterdir()} == {"in.mkv", "out.mp4", "state"}


def photos(folder: Path, count: int) -> Path:
    folder.mkdir()
    for i in range(count):
        Image.new("RGB", (48, 32), (60 * i, 90, 200)).save(folder / f"{i}.png")
    return folder


def test_several_at_once_give_the_same_and_a_summary(tmp_path):
    folder = photos(tmp_path / "in", 4)
    (folder / "2.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(50))
    for count in (1, 2):
        arguments = ("--style", "tiny", "-o", tmp_path / str(count), "--at-once", count)
        done = subprocess.run(
            command(folder, *arguments), capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 1
        assert "3 of 4 painted, 1 of 4 failed, in " in done.stderr
        assert done.stderr.count("2.png: ") == 1
        assert len(done.stderr.splitlines()) == 2
    names = {path.name for path in (tmp_path / "1").iterdir()}
    assert names == {"0.tiny.png", "1.tiny.png", "3.tiny.png"}
    for name in names:
        one, other = (read_picture(tmp_path / count / name).astype(int) for count in "12")
        assert np.abs(one - other).max() <= 2  # another number of threads rounds otherwise


def test_ctrl_c_stops_all_that_are_painted_at_once_and_they_go_on(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    folder = tmp_path / "in"
    folder.mkdir()
    for name in ("a.mkv", "b.mkv"):
        film(folder / name, seconds=20, rate=25)  # neither ends before the other begins
    wanted = command(folder, "--style", "tiny", "-o", tmp_path / "out", "--at-once", 2)
    with subprocess.Popen(wanted, stderr=subprocess.PIPE, text=True) as first:
        unfinished = [tmp_path / "out" / f".unfinished-{name}.tiny.mp4" for name in "ab"]
        deadline = time.monotonic() + 60
        while min(map(whole_until, unfinished)) < 1 and time.monotonic() < deadline:
            time.sleep(0.05)
        first.send_signal(signal.SIGINT)
        said = first.communicate(timeout=30)[1]
    assert first.returncode == 130
    assert "interrupted: 0 of 2 painted" in said
    done = subprocess.run(wanted, capture_output=True, text=True, timeout=120, check=True)
    assert done.stderr.count("went on at ") == 2
    assert "2 of 2 painted, in " in done.stderr
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"a.tiny.mp4", "b.tiny.mp4"}
