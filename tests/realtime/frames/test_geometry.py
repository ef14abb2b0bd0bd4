"""What a frame goes through before it is painted, and a painting before it is shown."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.frames.geometry import Geometry, to_accepted_size
from realtime.frames.resize import fit
from realtime.frames.size import FIT_MODES, Size

sizes = st.builds(Size, st.integers(1, 200), st.integers(1, 200))


def noise(size: Size) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (size.height, size.width, 3), np.uint8)


@given(sizes, sizes, st.sampled_from(FIT_MODES), st.booleans())
def test_the_prepared_size_is_foretold_and_the_finished_size_exact(own, wanted, mode, mirror):
    geometry = Geometry(wanted, mode)
    prepared = geometry.prepare(noise(own), mirror=mirror)
    assert (prepared.shape[1], prepared.shape[0]) == geometry.prepared_size(own)
    assert geometry.finish(prepared).shape == (wanted.height, wanted.width, 3)


def test_mirror_turns_the_picture_and_the_frame_stays():
    rgb = noise(Size(8, 6))
    before = rgb.copy()
    assert np.array_equal(Geometry(Size(8, 6)).prepare(rgb, mirror=True), before[:, ::-1])
    assert np.array_equal(rgb, before)


def test_a_frame_of_the_right_size_passes_without_a_copy():
    rgb = noise(Size(8, 6))
    geometry = Geometry(Size(8, 6))
    assert geometry.finish(geometry.prepare(rgb)) is rgb


@pytest.mark.parametrize("mode", FIT_MODES)
def test_an_enlargement_waits_until_after_painting(mode):
    rgb = noise(Size(20, 10))
    geometry = Geometry(Size(80, 40), mode)
    assert geometry.prepare(rgb).shape == (10, 20, 3)
    assert np.array_equal(geometry.finish(rgb), fit(rgb, 80, 40, mode))


@given(sizes, sizes)
def test_an_output_gets_exactly_the_size_that_it_accepts(own, wanted):
    assert to_accepted_size(noise(own), wanted).shape == (wanted.height, wanted.width, 3)


def test_one_row_or_column_too_many_is_cut_not_resampled():
    rgb = noise(Size(65, 49))
    assert np.array_equal(to_accepted_size(rgb, Size(64, 48)), rgb[:48, :64])


def test_zoom_shows_the_middle_at_the_size_of_the_whole():
    rgb = np.zeros((40, 80, 3), np.uint8)
    rgb[10:30, 20:60] = 200
    for mode, size in (("letterbox", Size(80, 40)), ("crop", Size(40, 40))):
        shown = Geometry(size, mode).prepare(rgb, zoom=2.0)
        assert shown.shape == (size.height, size.width, 3)
        assert shown.min() == 200


@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_a_turn_is_clockwise_and_comes_before_the_mirror(rotation: int):
    rgb = noise(Size(8, 6))
    geometry = Geometry(Size(8, 6) if rotation == 180 else Size(6, 8))
    turned = np.rot90(rgb, -rotation // 90)
    assert np.array_equal(geometry.prepare(rgb, rotation=rotation), turned)
    mirrored = geometry.prepare(rgb, rotation=rotation, mirror=True)
    assert np.array_equal(mirrored, turned[:, ::-1])
