import io

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms

from models.errors import UsageError
from models.picture_formats.sixteen_bits import eight_bits, quantized, sixteen_bits, srgb_profile
from models.pictures import (
    check_output_picture,
    encode_picture,
    read_deep_picture,
    read_picture,
    write_picture,
)

DEEP = np.random.default_rng(0).integers(0, 65536, (20, 30, 3), dtype=np.uint16)
ALPHA = np.tile(np.linspace(0, 65535, 30).astype(np.uint16), (20, 1))


def test_widening_and_narrowing_give_back_every_level():
    levels = np.arange(256, dtype=np.uint8).reshape(1, -1, 1).repeat(3, axis=2)
    assert sixteen_bits(levels).max() == 65535
    assert (eight_bits(sixteen_bits(levels)) == levels).all()
    assert eight_bits(np.array([128, 129, 65535], np.uint16)).tolist() == [0, 1, 255]
    assert quantized(np.array([-1, 0.5, 2], np.float32), 16).tolist() == [0, 32768, 65535]


@pytest.mark.parametrize("suffix", [".png", ".tif", ".TIFF"])
def test_sixteen_bits_are_written_and_read_again(tmp_path, suffix):
    path = tmp_path / f"deep{suffix}"
    write_picture(path, DEEP)
    assert (read_deep_picture(path) == DEEP).all()
    assert (read_picture(path) == eight_bits(DEEP)).all()
    write_picture(path, eight_bits(DEEP))
    assert read_deep_picture(path).dtype == np.uint8


@pytest.mark.parametrize("suffix", [".jpg", ".webp"])
def test_a_format_of_eight_bits_gets_the_nearest_levels(suffix):
    deep = sixteen_bits(np.full((16, 16, 3), 100, np.uint8)) + np.uint16(100)
    assert encode_picture(deep, suffix) == encode_picture(eight_bits(deep), suffix)


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.webp", "a.tif", "deep.png", "deep.tif"])
def test_what_is_written_has_an_srgb_profile(tmp_path, name):
    write_picture(tmp_path / name, DEEP if "deep" in name else eight_bits(DEEP))
    with Image.open(tmp_path / name) as opened:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(opened.info["icc_profile"]))
    assert "sRGB" in ImageCms.getProfileDescription(profile)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_kinds_of_tiff(tmp_path, order, compression):
    path = tmp_path / "in.tif"
    tifffile.imwrite(path, DEEP, photometric="rgb", byteorder=order, compression=compression)
    assert (read_deep_picture(path) == DEEP).all()


def test_grey_where_zero_is_white(tmp_path):
    for photometric, expected in (("minisblack", DEEP), ("miniswhite", 65535 - DEEP)):
        tifffile.imwrite(tmp_path / "g.tif", DEEP[..., 0].copy(), photometric=photometric)
        read = read_deep_picture(tmp_path / "g.tif")
        assert (read == expected[..., :1]).all()


def test_planes_that_lie_apart_are_read(tmp_path):
    planes = np.ascontiguousarray(DEEP.transpose(2, 0, 1))
    tifffile.imwrite(tmp_path / "p.tif", planes, photometric="rgb", planarconfig="separate")
    assert (read_deep_picture(tmp_path / "p.tif") == DEEP).all()


def test_transparent_parts_become_white_with_a_word(tmp_path, caplog):
    rgba = np.dstack([DEEP, ALPHA])
    share = ALPHA[..., None] / 65535
    expected = DEEP * share + 65535 * (1 - share)
    cv2.imwrite(str(tmp_path / "in.png"), rgba[..., [2, 1, 0, 3]])
    tifffile.imwrite(tmp_path / "in.tif", rgba, photometric="rgb", extrasamples=["unassalpha"])
    multiplied = np.dstack([np.rint(DEEP * share), ALPHA]).astype(np.uint16)
    tifffile.imwrite(tmp_path / "m.tif", multiplied, photometric="rgb", extrasamples=["assocalpha"])
    for name in ("in.png", "in.tif", "m.tif"):
        assert np.abs(read_deep_picture(tmp_path / name) - expected).max() <= 1
        assert f"{name}: its transparent parts become white" in caplog.text


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_deep_picture_stands_upright(tmp_path, orientation):
    done, png = cv2.imencodeWithMetadata(
        ".png", DEEP[..., ::-1], [cv2.IMAGE_METADATA_EXIF], [exif(orientation)]
    )
    assert done
    (tmp_path / "in.png").write_bytes(png.tobytes())
    tag = (274, "H", 1, orientation, True)
    tifffile.imwrite(tmp_path / "in.tif", DEEP, photometric="rgb", extratags=[tag])
    Image.fromarray(eight_bits(DEEP)).save(tmp_path / "as.jpg", exif=exif(orientation).tobytes())
    shape = read_picture(tmp_path / "as.jpg").shape
    steps = {2: "x", 3: "xy", 4: "y", 5: "t", 6: "tx", 7: "txy", 8: "ty"}.get(orientation, "")
    expected = DEEP.swapaxes(0, 1) if "t" in steps else DEEP
    expected = expected[:: -1 if "y" in steps else 1, :: -1 if "x" in steps else 1]
    assert expected.shape == shape
    for name in ("in.png", "in.tif"):
        assert (read_deep_picture(tmp_path / name) == expected).all(), name


def exif(orientation):
    tags = Image.Exif()
    tags[274] = orientation
    return np.frombuffer(tags.tobytes(), np.uint8)


def test_a_damaged_profile_is_left_out_with_a_word(tmp_path, caplog):
    tifffile.imwrite(tmp_path / "in.tif", DEEP, photometric="rgb", iccprofile=b"junk")
    assert np.abs(read_picture(tmp_path / "in.tif").astype(int) - eight_bits(DEEP)).max() <= 1
    assert "in.tif: its colour profile" in caplog.text


def test_bits_that_a_format_has_not_are_refused(tmp_path):
    with pytest.raises(UsageError, match=r"out\.jpg: this format has no 16 bits a channel"):
        check_output_picture(tmp_path / "out.jpg", overwrite=False, bits=16)
    check_output_picture(tmp_path / "out.tif", overwrite=False, bits=16)


def test_srgb_itself_changes_nothing(tmp_path):
    tifffile.imwrite(tmp_path / "in.tif", DEEP, photometric="rgb", iccprofile=srgb_profile())
    assert (read_deep_picture(tmp_path / "in.tif") == DEEP).all()


def test_a_tiff_of_floats_and_one_of_grey_with_alpha_are_read(tmp_path, caplog):
    levels = (DEEP / 65535).astype(np.float32)
    tifffile.imwrite(tmp_path / "f.tif", levels, photometric="rgb", compression="zlib")
    assert np.abs(read_deep_picture(tmp_path / "f.tif").astype(int) - DEEP).max() <= 1
    grey = np.dstack([DEEP[..., 0], ALPHA])
    options = {"photometric": "minisblack", "extrasamples": ["unassalpha"]}
    tifffile.imwrite(tmp_path / "ya.tif", grey, **options)
    share = ALPHA / 65535
    expected = DEEP[..., 0] * share + 65535 * (1 - share)
    assert np.abs(read_deep_picture(tmp_path / "ya.tif") - expected[..., None]).max() <= 1
    assert "ya.tif: its transparent parts become white" in caplog.text
