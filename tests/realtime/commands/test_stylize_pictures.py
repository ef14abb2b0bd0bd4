"""Pictures of the real world, painted at strength 0: what comes out is what ffmpeg shows."""

import io
import subprocess

import numpy as np
import pytest
from PIL import Image, ImageCms

from models.pictures import read_deep_picture, write_picture
from tests.realtime.media import PICTURES, ffmpeg, length, needs_ffmpeg, painted

RAMP = np.dstack(
    [np.tile(np.linspace(0, 255, 48).astype(np.uint8), (32, 1))] * 2
    + [np.tile(np.linspace(255, 0, 32).astype(np.uint8)[:, None], (1, 48))]
)


def pixels(path):
    return np.asarray(Image.open(io.BytesIO(path.read_bytes())).convert("RGB")).astype(int)


@pytest.mark.parametrize("suffix", [".tga", ".gif", ".ico", ".pcx", ".tif", ".bmp", ".webp"])
def test_still_pictures_stay_pictures(tmp_path, suffix):
    source = tmp_path / f"in{suffix}"
    options = {".ico": {"sizes": [(48, 32)]}, ".webp": {"lossless": True}}
    Image.fromarray(RAMP).save(source, **options.get(suffix, {}))
    done = painted(source, tmp_path / "out.png")
    assert done.exit_code == 0, done.output
    assert np.abs(pixels(tmp_path / "out.png") - pixels(source)).max() <= 1


@pytest.mark.parametrize("suffix", [".gif", ".webp", ".png", ".avif"])
@needs_ffmpeg
def test_animations_keep_all_frames_and_their_durations(tmp_path, suffix):
    levels, durations = (20, 90, 160, 230), (100, 200, 500, 1000)
    frames = [Image.new("RGB", (64, 48), (level,) * 3) for level in levels]
    source, target = tmp_path / f"in{suffix}", tmp_path / "out.mp4"
    frames[0].save(source, save_all=True, append_images=frames[1:], duration=durations)
    done = painted(source, target)
    assert done.exit_code == 0, done.output
    assert length(target) == pytest.approx(1.8, abs=0.02)
    raw = ffmpeg("-i", target, "-vsync passthrough -f rawvideo -pix_fmt rgb24 -")
    means = np.frombuffer(raw, np.uint8).reshape(-1, 48, 64, 3).mean((1, 2, 3))
    assert means == pytest.approx(levels, abs=3)


def test_of_a_tiff_with_pages_the_first_is_taken_aloud(tmp_path, caplog):
    pages = [Image.fromarray(RAMP), Image.new("RGB", (48, 32))]
    pages[0].save(tmp_path / "in.tif", save_all=True, append_images=pages[1:])
    assert painted(tmp_path / "in.tif", tmp_path / "out.png").exit_code == 0
    assert "in.tif: has 2 pages; the first is taken" in caplog.text
    assert (pixels(tmp_path / "out.png") == RAMP).all()


def test_an_icc_profile_is_converted_to_srgb(tmp_path):
    # sRGB with red and green exchanged: a profile that changes every picture visibly.
    from tests.realtime.icc import exchanged_primaries

    profile = exchanged_primaries()
    image = Image.fromarray(np.ascontiguousarray(RAMP[..., [0, 2, 1]]))
    image.save(tmp_path / "in.png", icc_profile=profile)
    assert painted(tmp_path / "in.png", tmp_path / "out.png").exit_code == 0
    expected = ImageCms.profileToProfile(
        image, io.BytesIO(profile), ImageCms.createProfile("sRGB"), outputMode="RGB"
    )
    assert np.abs(np.asarray(expected).astype(int) - np.asarray(image)).mean() > 10
    assert np.abs(pixels(tmp_path / "out.png") - np.asarray(expected)).mean() <= 1


def test_what_is_transparent_becomes_white_with_a_word(tmp_path, caplog):
    rgba = np.dstack([np.full((32, 48, 3), (255, 0, 255), np.uint8), np.zeros((32, 48), np.uint8)])
    rgba[:, 24:, 3] = 255
    Image.fromarray(rgba).save(tmp_path / "in.png")
    assert painted(tmp_path / "in.png", tmp_path / "out.png").exit_code == 0
    out = pixels(tmp_path / "out.png")
    assert (out[:, :24] == 255).all()
    assert (out[:, 24:] == (255, 0, 255)).all()
    assert caplog.text.count("in.png: its transparent parts become white") == 1


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_of_an_avif_comes_upright(tmp_path, orientation):
    exif = Image.Exif()
    exif[274] = orientation
    Image.fromarray(RAMP).save(tmp_path / "in.avif", quality=95, exif=exif.tobytes())
    assert painted(tmp_path / "in.avif", tmp_path / "out.png").exit_code == 0
    stored = Image.open(io.BytesIO((tmp_path / "in.avif").read_bytes()))
    upright = {
        1: None, 2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM, 5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_90,
    }[orientation]  # fmt: skip
    turned = stored if upright is None else stored.transpose(upright)
    out = pixels(tmp_path / "out.png")
    assert np.abs(out - np.asarray(turned.convert("RGB"))).mean() <= 2


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("a.heic", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(100), "HEIC pictures are not"),
        ("a.svg", b'<svg xmlns="http://www.w3.org/2000/svg"/>', "SVG drawings are not supported"),
        ("a.png", b"\x89PNG\r\n\x1a\n" + bytes(50), "or damaged"),
    ],
)
def test_what_cannot_be_read_is_one_line_with_the_name(tmp_path, name, data, said):
    (tmp_path / name).write_bytes(data)
    done = painted(tmp_path / name, tmp_path / "out.png")
    assert done.exit_code == 1
    assert said in str(done.exception)
    assert str(done.exception).startswith(str(tmp_path / name))
    assert "\n" not in str(done.exception)


@needs_ffmpeg
def test_a_video_without_a_decoder_is_one_line(tmp_path):
    whole, source = tmp_path / "whole.mp4", tmp_path / "in.mp4"
    ffmpeg(PICTURES, "-c:v libx264", whole)
    source.write_bytes(whole.read_bytes().replace(b"avc1", b"zzz9"))
    done = painted(source, tmp_path / "out.mp4")
    assert done.exit_code == 1
    assert "in.mp4: FFmpeg has no decoder for its video" in str(done.exception)


@pytest.mark.parametrize(("target", "most"), [("out.webp", 16383), ("out.jpg", 65500)])
def test_a_size_that_a_format_cannot_hold_is_refused_before_painting(tmp_path, target, most):
    Image.new("RGB", (2, most + 1)).save(tmp_path / "tall.png")
    done = painted(tmp_path / "tall.png", tmp_path / target)
    assert done.exception.exit_code == 2
    assert f"at most {most} a side" in str(done.exception)
    assert not (tmp_path / target).exists()


def test_names_are_only_names(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("12:30 noon.png", "x%d.png", "100%%.png", "demo", "12345"):
        Image.fromarray(RAMP).save(name, format="PNG")
        done = painted(name, f"out {name}.png")
        assert done.exit_code == 0, done.output
        assert (pixels(tmp_path / f"out {name}.png") == RAMP).all()


@needs_ffmpeg
def test_a_video_with_a_colon_in_its_name_is_read_and_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ffmpeg(PICTURES, "-c:v libx264 whole.mp4")
    (tmp_path / "whole.mp4").rename("12:30.mp4")
    assert painted("12:30.mp4", "clip:9.mp4").exit_code == 0
    assert length("file:clip:9.mp4") == pytest.approx(2.0, abs=0.05)


@needs_ffmpeg
def test_pipes_are_read_and_written(tmp_path):
    import sys

    source = tmp_path / "in.ts"
    ffmpeg(PICTURES, "-c:v libx264", source)
    program = "from realtime.cli import main; main()"
    command = [sys.executable, "-c", program, "stylize", "-", "--strength", "0", "-o", "-"]
    done = subprocess.run(command, input=source.read_bytes(), capture_output=True, check=True)
    raw = ffmpeg("-i - -f rawvideo -pix_fmt gray -", stdin=done.stdout)
    assert len(raw) == 20 * 64 * 48


def test_own_outputs_in_a_folder_are_not_inputs_again(tmp_path):
    from click.testing import CliRunner

    from realtime.commands.stylize import stylize

    for name in ("a.png", "b.tga"):
        Image.fromarray(RAMP).save(tmp_path / name)
    arguments = [str(tmp_path), "--strength", "0", "--style", "tiny"]
    for _ in range(2):
        done = CliRunner().invoke(stylize, [*arguments, "--force"])
        assert done.exit_code == 0, done.output
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "a.png", "a.tiny.png", "b.tga", "b.tiny.png",
    ]  # fmt: skip


@needs_ffmpeg
def test_an_interruption_leaves_no_stump_and_the_same_command_goes_on(tmp_path, monkeypatch):
    from click.testing import CliRunner

    from realtime.commands import stylize as module

    folder = tmp_path / "in"
    folder.mkdir()
    Image.fromarray(RAMP).save(folder / "a.png")
    ffmpeg(PICTURES, "-c:v libx264", folder / "b.mp4")
    run, painted_inputs = module.run_pipeline, []

    def interrupted_at_the_video(config, *arguments, **options):
        painted_inputs.append(config.source.input)
        run(config, *arguments, **options)
        if config.source.input.endswith(".mp4") and len(painted_inputs) == 2:
            raise module.click.exceptions.Exit(130)

    monkeypatch.setattr(module, "run_pipeline", interrupted_at_the_video)
    arguments = [str(folder), "--strength", "0", "--style", "tiny", "-o", str(tmp_path / "out")]
    done = CliRunner().invoke(module.stylize, arguments)
    assert done.exit_code == 130
    assert "interrupted: 1 of 2 painted" in done.output
    seen = {p.name for p in (tmp_path / "out").iterdir() if not p.name.startswith(".")}
    assert seen == {"a.tiny.png"}
    again = CliRunner().invoke(module.stylize, arguments)
    assert again.exit_code == 0, again.output
    assert "1 of 2 were painted before" in again.output
    assert len(painted_inputs) == 3
    assert {p.name for p in (tmp_path / "out").iterdir()} == {"a.tiny.png", "b.tiny.mp4"}
    # Afterwards nothing is remembered: what exists is refused as ever.
    assert CliRunner().invoke(module.stylize, arguments).exception.exit_code == 2


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_sixteen_bits_stay_sixteen_bits(tmp_path, suffix):
    deep = np.random.default_rng(0).integers(0, 65536, (32, 48, 3), dtype=np.uint16)
    source, target = tmp_path / f"in{suffix}", tmp_path / f"out{suffix}"
    write_picture(source, deep)
    assert painted(source, target).exit_code == 0
    assert (read_deep_picture(target) == deep).all()

    half = painted(source, tmp_path / "half.png", "--strength", "0.5")
    whole = painted(source, tmp_path / "whole.png", "--strength", "1")
    assert half.exit_code == whole.exit_code == 0
    paint = read_deep_picture(tmp_path / "whole.png").astype(int)
    blend = read_deep_picture(tmp_path / "half.png").astype(int)
    assert np.abs(paint - deep).mean() > 5000
    assert np.abs(blend - (paint + deep.astype(int)) / 2).max() <= 1
    assert painted(source, tmp_path / "out.jpg", "--size", "24x16").exit_code == 0
    assert read_deep_picture(tmp_path / "out.jpg").dtype == np.uint8


def test_sixteen_bits_fit_another_size(tmp_path):
    write_picture(tmp_path / "in.png", np.full((32, 48, 3), 12345, np.uint16))
    assert painted(tmp_path / "in.png", tmp_path / "out.png", "--size", "64x64").exit_code == 0
    read = read_deep_picture(tmp_path / "out.png")
    assert read.shape == (64, 64, 3)
    assert (read[32] == 12345).all()
    assert (read[0] == 0).all()
