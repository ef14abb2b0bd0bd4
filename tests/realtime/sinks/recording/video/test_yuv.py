"""The planes that encoders get, against FFmpeg's own conversion and back to RGB."""

import av
import cv2
import numpy as np
import pytest
from av.video.reformatter import ColorRange, Colorspace

from realtime.sinks.recording.video.yuv import to_yuv

SIZES = [(1280, 720), (96, 64), (854, 480)]


def soft_picture(width: int, height: int) -> np.ndarray:
    """Many colours, without steps from one pixel to the next."""
    few = np.random.default_rng(3).integers(0, 256, (9, 16, 3), dtype=np.uint8)
    return cv2.resize(few, (width, height), interpolation=cv2.INTER_CUBIC)


def by_ffmpeg(rgb: np.ndarray) -> np.ndarray:
    frame = av.VideoFrame.from_ndarray(rgb, format="rgb24")
    matrix = Colorspace.ITU709 if rgb.shape[0] >= 720 else Colorspace.ITU601
    done = frame.reformat(format="yuv420p", dst_colorspace=matrix, dst_color_range=ColorRange.MPEG)
    return done.to_ndarray().astype(int)


@pytest.mark.parametrize("size", SIZES)
def test_it_is_what_ffmpeg_would_make(size):
    rgb = soft_picture(*size)
    difference = np.abs(by_ffmpeg(rgb) - to_yuv(rgb).to_ndarray())
    luma, chroma = difference[: size[1]], difference[size[1] :]
    assert luma.max() <= 1
    assert chroma.max() <= 8
    assert chroma.mean() <= 1


@pytest.mark.parametrize(
    ("colour", "planes"),
    [
        ((0, 0, 0), (16, 128, 128)),
        ((255, 255, 255), (235, 128, 128)),
        ((128, 128, 128), (126, 128, 128)),
    ],
)
@pytest.mark.parametrize("size", [*SIZES, (2, 2)])
def test_greys_have_no_colour_and_fill_the_video_range(colour, planes, size):
    found = to_yuv(np.full((size[1], size[0], 3), colour, np.uint8)).to_ndarray()
    luma, chroma = found[: size[1]], found[size[1] :]
    assert (luma == planes[0]).all()
    assert (chroma == planes[1]).all()


@pytest.mark.parametrize(("height", "matrix"), [(718, Colorspace.ITU601), (720, Colorspace.ITU709)])
def test_the_frame_says_which_matrix_it_has(height, matrix):
    frame = to_yuv(np.zeros((height, 64, 3), np.uint8))
    assert frame.colorspace == matrix
    assert frame.color_range == ColorRange.MPEG


@pytest.mark.parametrize(
    ("size", "padded"), [((65, 49), (66, 50)), ((1, 1), (2, 2)), ((64, 719), (64, 720))]
)
def test_an_odd_side_repeats_its_last_line_or_column(size, padded):
    rgb = soft_picture(*size)
    frame = to_yuv(rgb)
    assert (frame.width, frame.height) == padded
    luma = frame.to_ndarray()[: padded[1]]
    if size[1] % 2:
        assert (luma[-1] == luma[-2]).all()
    if size[0] % 2:
        assert (luma[:, -1] == luma[:, -2]).all()


def test_the_frame_outlives_the_picture_it_was_made_from():
    frame = to_yuv(np.full((64, 96, 3), 255, np.uint8))
    for _ in range(50):
        to_yuv(np.zeros((64, 96, 3), np.uint8))
    assert (frame.to_ndarray()[:64] == 235).all()


def test_a_read_only_picture_and_one_with_gaps_are_taken():
    rgb = soft_picture(96, 64)
    wide = np.concatenate([rgb, rgb], axis=1)[:, :96]
    rgb.setflags(write=False)
    assert (to_yuv(rgb).to_ndarray() == to_yuv(wide).to_ndarray()).all()
