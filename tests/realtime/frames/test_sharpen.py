"""Sharpening: detail gains contrast, edges get no halo, colours stay."""

import numpy as np

from realtime.frames.sharpen import sharpened

NOISE = np.random.default_rng(1)


def test_amount_zero_is_the_same_picture():
    rgb = NOISE.integers(0, 256, (20, 30, 3), np.uint8)
    assert sharpened(rgb, 0) is rgb


def test_fine_detail_gets_more_contrast_with_the_amount():
    grey = NOISE.integers(120, 136, (60, 80, 1), np.uint8).repeat(3, axis=2)
    spreads = [sharpened(grey, amount).std() for amount in (0, 0.5, 1)]
    assert spreads[0] * 1.3 < spreads[1] < spreads[2]


def test_a_hard_edge_gets_no_halo():
    rgb = np.full((40, 40, 3), 40, np.uint8)
    rgb[:, 20:] = 200
    assert np.abs(sharpened(rgb, 1).astype(int) - rgb).max() <= 8


def test_the_differences_between_the_colours_stay():
    rgb = np.empty((40, 40, 3), np.uint8)
    rgb[:] = (150, 100, 60)
    rgb += NOISE.integers(0, 8, (40, 40, 1), np.uint8)
    out = sharpened(rgb, 1).astype(int)
    assert not np.array_equal(out, rgb)
    assert np.abs((out[..., 0] - out[..., 1]) - 50).max() <= 3
