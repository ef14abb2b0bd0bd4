"""Bringing pictures to a size: what stays, what is cut, what is added."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.card import MINIMUM_SIDE
from realtime.frames.resize import fit, resize, shrink_to_fit, shrunk_size
from realtime.frames.size import Size, largest_inside, live_scale, processing_size

sides = st.integers(1, 200)
sizes = st.builds(Size, sides, sides)
modes = st.sampled_from(["letterbox", "crop", "stretch"])


def picture(size: Size) -> np.ndarray:
    rows, columns = np.mgrid[0 : size.height, 0 : size.width]
    return np.stack([rows, columns, (rows + columns) // 2], axis=-1).astype(np.uint8)


@given(sizes, sizes, modes)
def test_any_picture_comes_out_in_the_size_asked_for(own, wanted, mode):
    out = fit(picture(own), *wanted, mode)
    assert out.shape == (wanted.height, wanted.width, 3)
    assert out.dtype == np.uint8


@given(sizes, modes)
def test_a_picture_of_the_right_size_is_left_alone(size, mode):
    rgb = picture(size)
    assert fit(rgb, *size, mode) is rgb


@given(sizes, sizes, modes, st.tuples(*[st.integers(1, 255)] * 3))
def test_one_colour_stays_that_colour_but_for_black_bars(own, wanted, mode, colour):
    out = fit(np.full((own.height, own.width, 3), colour, np.uint8), *wanted, mode)
    painted = (out == np.array(colour, np.uint8)).all(axis=2)
    black = (out == 0).all(axis=2)
    assert (painted | black).all()
    if mode != "letterbox":
        assert painted.all()
    else:
        inner = largest_inside(own, wanted)
        assert painted.sum() == inner.width * inner.height


def test_letterbox_centres_the_picture_between_black_bars():
    out = fit(np.full((10, 20, 3), 200, np.uint8), 20, 20, "letterbox")
    assert (out[5:15] == 200).all()
    assert not out[:5].any() and not out[15:].any()


def test_crop_cuts_equally_from_both_sides():
    rgb = np.zeros((10, 30, 3), np.uint8)
    rgb[:, 10:20] = 255
    assert (fit(rgb, 10, 10, "crop") == 255).all()


def test_stretch_keeps_every_edge():
    rgb = np.zeros((10, 30, 3), np.uint8)
    rgb[:, :15] = 255
    out = fit(rgb, 10, 10, "stretch")
    assert (out[:, :5] == 255).all() and (out[:, 5:] == 0).all()


def test_shrinking_averages_so_that_fine_stripes_turn_grey():
    rgb = np.zeros((40, 40, 3), np.uint8)
    rgb[:, ::2] = 200
    assert (resize(rgb, 10, 10) == 100).all()


def test_a_read_only_picture_is_not_changed():
    rgb = picture(Size(30, 20))
    rgb.setflags(write=False)
    before = rgb.copy()
    fit(rgb, 64, 64, "letterbox")
    assert (rgb == before).all()


@given(sizes, sizes, modes)
def test_shrinking_first_changes_nothing_but_the_work(own, wanted, mode):
    rgb = picture(own)
    first = shrink_to_fit(rgb, *wanted, mode)
    assert (first.shape[1], first.shape[0]) == shrunk_size(own, wanted, mode)
    assert first.shape[0] <= rgb.shape[0] and first.shape[1] <= rgb.shape[1]
    whole, shrunk = fit(rgb, *wanted, mode), fit(first, *wanted, mode)
    assert whole.shape == shrunk.shape
    if min(own) >= 20 and min(wanted) >= 20:  # below, a rounded line is much of the picture
        assert np.abs(whole.astype(int) - shrunk).mean() < 25


def test_what_is_shrunk_first_has_no_bars_and_no_pixel_too_many():
    rgb = np.full((480, 640, 3), 9, np.uint8)
    assert shrink_to_fit(rgb, 320, 320, "letterbox").shape == (240, 320, 3)
    assert shrink_to_fit(rgb, 320, 320, "crop").shape == (320, 320, 3)
    assert shrink_to_fit(rgb, 320, 320, "stretch").shape == (320, 320, 3)
    assert shrink_to_fit(rgb, 1280, 720, "letterbox") is rgb
    assert shrink_to_fit(rgb, 1280, 720, "crop").shape == (360, 640, 3)


@given(sizes, sizes)
def test_the_largest_size_inside_touches_a_bound_and_keeps_the_proportions(shape, bounds):
    inner = largest_inside(shape, bounds)
    assert inner.width <= bounds.width and inner.height <= bounds.height
    assert inner.width == bounds.width or inner.height == bounds.height
    scale = min(bounds.width / shape.width, bounds.height / shape.height)
    assert abs(inner.width - shape.width * scale) <= 1
    assert abs(inner.height - shape.height * scale) <= 1


large = st.integers(1, 4000)


@pytest.mark.parametrize(
    ("frame", "expected"),
    [
        (Size(640, 480), (640, 480)),
        (Size(768, 576), (768, 576)),
        (Size(1280, 720), (640, 360)),
        (Size(720, 1280), (360, 640)),
        (Size(1920, 1080), (640, 360)),
        (Size(160, 120), (160, 120)),
    ],
)
def test_live_frames_are_painted_at_a_whole_part_of_their_size(frame, expected):
    assert processing_size(frame, scale=live_scale(frame)) == expected


@given(st.builds(Size, large, large), st.none() | st.builds(Size, large, large), st.floats(0.1, 1))
def test_the_processing_size_is_never_larger_than_allowed_nor_too_small(frame, within, scale):
    size = processing_size(frame, within=within, scale=scale)
    limit = Size(round(frame.width * scale), round(frame.height * scale))
    if within is not None:
        limit = Size(min(limit.width, within.width), min(limit.height, within.height))
    assert MINIMUM_SIDE <= size.width <= max(MINIMUM_SIDE, limit.width)
    assert MINIMUM_SIDE <= size.height <= max(MINIMUM_SIDE, limit.height)


@pytest.mark.parametrize(
    ("within", "scale", "expected"),
    [
        (None, 1.0, (1280, 720)),
        (None, 0.5, (640, 360)),
        (Size(640, 640), 1.0, (640, 360)),
        (Size(2000, 2000), 1.0, (1280, 720)),
        (Size(640, 640), 0.25, (320, 180)),
    ],
)
def test_examples_of_the_processing_size(within, scale, expected):
    assert processing_size(Size(1280, 720), within=within, scale=scale) == expected
