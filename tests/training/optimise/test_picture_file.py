import io

import cv2
import numpy as np
import pytest
from PIL import Image, ImageCms

pytest.importorskip("torch", reason="needs the train extra")

from models.errors import TrainingError, UsageError
from models.pictures import read_picture
from training.optimise.picture_file import (
    check_output_path,
    read_srgb,
    srgb_profile,
    write_picture,
)

PICTURE = cv2.GaussianBlur(
    np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8), (0, 0), 4
)


@pytest.mark.parametrize(("suffix", "off"), [(".png", 0), (".jpg", 3), (".jpeg", 3), (".WEBP", 3)])
def test_what_is_written_is_read_again(tmp_path, suffix, off):
    path = tmp_path / f"out{suffix}"
    check_output_path(path, force=False)
    write_picture(path, PICTURE)
    assert np.abs(read_picture(path).astype(int) - PICTURE).mean() <= off
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_places_that_cannot_be_meant_are_refused(tmp_path):
    (tmp_path / "there.png").write_bytes(b"mine")
    (tmp_path / "folder.png").mkdir()
    for name, message in [
        ("out.gif", r"unknown picture format '\.gif'; one of: \.png"),
        ("out", "no file ending"),
        ("gone/out.png", "there is no folder"),
        ("folder.png", "is a folder"),
        ("there.png", "exists already; --force"),
    ]:
        with pytest.raises(UsageError, match=message) as refused:
            check_output_path(tmp_path / name, force=False)
        assert "\n" not in str(refused.value)
    check_output_path(tmp_path / "there.png", force=True)
    assert (tmp_path / "there.png").read_bytes() == b"mine"


def test_a_place_that_went_away_is_named(tmp_path):
    with pytest.raises(TrainingError, match=r"out\.png: cannot be written"):
        write_picture(tmp_path / "gone" / "out.png", PICTURE)


def swapped_profile():
    """An RGB profile whose red and green primaries are exchanged, made from Pillow's sRGB."""
    data = bytearray(srgb_profile())
    count = int.from_bytes(data[128:132], "big")
    places = {}
    for number in range(count):
        at = 132 + 12 * number
        places[bytes(data[at : at + 4])] = at
    for one, other in [(b"rXYZ", b"gXYZ")]:
        first, second = places[one] + 4, places[other] + 4
        data[first : first + 8], data[second : second + 8] = (
            bytes(data[second : second + 8]),
            bytes(data[first : first + 8]),
        )
    return bytes(data)


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_a_picture_is_converted_by_its_profile(tmp_path, mode):
    path = tmp_path / "swapped.png"
    red = Image.new("RGB", (8, 8), (255, 0, 0)).convert(mode)
    red.save(path, icc_profile=swapped_profile())
    assert read_srgb(path)[4, 4].tolist() == pytest.approx([0, 255, 0], abs=3)
    red.save(path, icc_profile=b"junk")
    assert read_srgb(path)[4, 4].tolist() == [255, 0, 0]
    red.save(path)
    assert read_srgb(path)[4, 4].tolist() == [255, 0, 0]


def test_transparent_parts_are_laid_on_white_and_said(tmp_path, caplog):
    path = tmp_path / "glass.png"
    glass = Image.new("RGBA", (4, 4), (255, 0, 0, 255))
    glass.putpixel((0, 0), (0, 0, 0, 0))
    glass.putpixel((1, 0), (0, 0, 0, 128))
    glass.save(path)
    picture = read_srgb(path)
    assert picture[0, 0].tolist() == [255, 255, 255]
    assert picture[0, 1].tolist() == pytest.approx([127] * 3, abs=1)
    assert picture[1, 1].tolist() == [255, 0, 0]
    assert "laid on white" in caplog.text


def test_a_picture_stands_upright(tmp_path):
    path = tmp_path / "turned.jpg"
    picture = Image.fromarray(PICTURE)
    tags = picture.getexif()
    tags[274] = 6
    picture.save(path, exif=tags, quality=95)
    assert read_srgb(path).shape == (50, 40, 3)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_sixteen_bits_are_kept_and_read_again(tmp_path, suffix):
    path = tmp_path / f"deep{suffix}"
    levels = np.linspace(0, 1, 40 * 50 * 3, dtype=np.float32).reshape(40, 50, 3)
    write_picture(path, levels, bits=16)
    deep = cv2.cvtColor(cv2.imread(str(path), cv2.IMREAD_UNCHANGED), cv2.COLOR_BGR2RGB)
    assert np.abs(deep / 65535 - levels).max() < 1e-4
    assert np.abs(read_srgb(path) / 255 - levels).max() < 0.005


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.webp"])
def test_what_is_written_has_an_srgb_profile(tmp_path, name):
    write_picture(tmp_path / name, PICTURE)
    with Image.open(tmp_path / name) as opened:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(opened.info["icc_profile"]))
    assert "sRGB" in ImageCms.getProfileDescription(profile)
    write_picture(tmp_path / "deep.png", PICTURE, bits=16)
    with Image.open(tmp_path / "deep.png") as opened:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(opened.info["icc_profile"]))
    assert "sRGB" in ImageCms.getProfileDescription(profile)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_grey_pictures_are_read(tmp_path, dtype):
    path = tmp_path / "grey.png"
    cv2.imwrite(str(path), np.full((8, 8), np.iinfo(dtype).max // 2, dtype))
    assert read_srgb(path)[4, 4].tolist() == pytest.approx([127] * 3, abs=1)


def test_what_is_no_picture_is_named(tmp_path):
    (tmp_path / "broken.jpg").write_bytes(b"junk")
    for name, message in [("broken.jpg", "not a picture"), ("gone.jpg", "no such file")]:
        with pytest.raises(UsageError, match=f"{name}: {message}"):
            read_srgb(tmp_path / name)
