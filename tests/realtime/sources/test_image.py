import logging
import struct

import cv2
import numpy as np
import pytest

from models.errors import SourceFault, UsageError
from realtime.sources import EndOfSource
from realtime.sources.image import ImageSource, read_picture

RED_BLUE = np.zeros((20, 40, 3), np.uint8)
RED_BLUE[:, :20] = (255, 0, 0)
RED_BLUE[:, 20:] = (0, 0, 255)


def write(path, rgb):
    _, data = cv2.imencode(path.suffix, rgb[..., ::-1])
    path.write_bytes(data.tobytes())
    return path


def with_orientation(jpeg: bytes, orientation: int) -> bytes:
    """The JPEG with an EXIF block that holds nothing but the orientation."""
    entry = struct.pack(">HHIHH", 0x0112, 3, 1, orientation, 0)
    tiff = b"MM\x00\x2a" + struct.pack(">IH", 8, 1) + entry + struct.pack(">I", 0)
    block = b"Exif\x00\x00" + tiff
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block + jpeg[2:]


def test_colours_come_in_the_order_red_green_blue(tmp_path):
    rgb = read_picture(write(tmp_path / "a.png", RED_BLUE))
    np.testing.assert_array_equal(rgb, RED_BLUE)
    assert rgb.dtype == np.uint8


def test_a_path_may_be_in_any_script(tmp_path):
    path = tmp_path / "żółw 写真.png"
    _, data = cv2.imencode(".png", RED_BLUE)
    path.write_bytes(data.tobytes())
    assert read_picture(path).shape == (20, 40, 3)


def test_exif_orientation_is_followed(tmp_path):
    plain = write(tmp_path / "a.jpg", RED_BLUE).read_bytes()
    turned = tmp_path / "b.jpg"
    turned.write_bytes(with_orientation(plain, 6))  # to be turned clockwise
    rgb = read_picture(turned)
    assert rgb.shape == (40, 20, 3)
    assert rgb[5, 10, 0] > 200
    assert rgb[35, 10, 2] > 200


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        (np.full((8, 9), 77, np.uint8), (77, 77, 77)),
        (np.full((8, 9), 77 * 257, np.uint16), (77, 77, 77)),
        (np.full((8, 9, 4), (30, 20, 10, 128), np.uint8), (132, 137, 142)),  # on white
        (np.full((8, 9, 3), (30 * 257, 20 * 257, 10 * 257), np.uint16), (10, 20, 30)),
    ],
    ids=["grey", "grey 16 bit", "alpha", "colour 16 bit"],
)
def test_other_pixel_formats_become_rgb(tmp_path, stored, expected):
    path = tmp_path / "a.png"
    _, data = cv2.imencode(".png", stored)
    path.write_bytes(data.tobytes())
    rgb = read_picture(path)
    assert rgb.shape == (8, 9, 3)
    assert np.abs(rgb.astype(int) - expected).max() <= 1


@pytest.mark.parametrize("content", [b"", b"not a picture", b"\x89PNG\r\n\x1a\n" + b"\x00" * 99])
def test_a_damaged_picture_is_one_clear_line(tmp_path, content):
    path = tmp_path / "a.png"
    path.write_bytes(content)
    with pytest.raises(SourceFault, match=r"a\.png: not a picture") as caught:
        read_picture(path)
    assert "\n" not in str(caught.value)


def test_a_missing_picture_is_a_usage_error(tmp_path):
    with pytest.raises(UsageError, match=r"a\.png: no such file"):
        ImageSource(tmp_path / "a.png", fps=None, paced=False).open()


def test_unpaced_it_is_one_frame(tmp_path):
    source = ImageSource(write(tmp_path / "a.png", RED_BLUE), fps=None, paced=False)
    given = source.open()
    assert (given.width, given.height, given.frame_count, given.live) == (40, 20, 1, False)
    frame = source.read()
    assert (frame.index, frame.timestamp) == (0, 0.0)
    np.testing.assert_array_equal(frame.rgb, RED_BLUE)
    with pytest.raises(EndOfSource):
        source.read()


def test_paced_it_repeats_at_its_rate(tmp_path):
    source = ImageSource(write(tmp_path / "a.png", RED_BLUE), fps=100, paced=True)
    given = source.open()
    assert (given.fps, given.live, given.frame_count) == (100, True, None)
    frames = [source.read() for _ in range(6)]
    assert [frame.timestamp for frame in frames] == pytest.approx([i / 100 for i in range(6)])
    assert frames[-1].captured - frames[0].captured >= 0.048


def test_a_loop_repeats_it_at_once(tmp_path):
    source = ImageSource(write(tmp_path / "a.png", RED_BLUE), fps=1, paced=False, loop=True)
    source.open()
    assert [source.read().index for _ in range(50)] == list(range(50))


def test_a_stage_cannot_change_the_picture_that_is_repeated(tmp_path):
    source = ImageSource(write(tmp_path / "a.png", RED_BLUE), fps=None, paced=True)
    source.open()
    with pytest.raises(ValueError, match="read-only"):
        source.read().rgb[:] = 0


def test_nothing_comes_after_close(tmp_path, caplog):
    source = ImageSource(write(tmp_path / "a.png", RED_BLUE), fps=None, paced=True)
    source.close()
    source.open()
    source.close()
    source.close()
    with caplog.at_level(logging.DEBUG), pytest.raises(EndOfSource):
        source.read()
