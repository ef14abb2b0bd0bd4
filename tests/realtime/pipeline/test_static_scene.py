"""What counts as a change of the scene, and that nothing that moves is ever frozen."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.pictures import RGB
from realtime.pipeline.static_scene import BLOCK, DRIFT, SPOT, PaintingCache, scene_changed

HEIGHT, WIDTH = 180, 320


def scene(height: int = HEIGHT, width: int = WIDTH) -> RGB:
    rows, columns = np.mgrid[0:height, 0:width]
    return np.stack([rows % 200, columns % 200, (rows + columns) % 200], -1).astype(np.uint8) + 25


def noisy(seed: int, sigma: float = 2.0, height: int = HEIGHT, width: int = WIDTH) -> RGB:
    rgb = scene(height, width)
    noise = np.random.default_rng(seed).normal(0, sigma, rgb.shape)
    return np.clip(np.rint(rgb + noise), 0, 255).astype(np.uint8)


def test_a_still_scene_has_not_changed():
    assert not scene_changed(scene(), scene())
    same = scene()
    assert not scene_changed(same, same)


@settings(deadline=None, max_examples=50)
@given(
    row=st.integers(0, HEIGHT - 1),
    column=st.integers(0, WIDTH - 1),
    channel=st.integers(0, 2),
    by=st.integers(SPOT, 200),
)
def test_a_single_pixel_is_seen_wherever_it_is(row, column, channel, by):
    before = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    now = before.copy()
    now[row, column, channel] = by
    assert scene_changed(before, now) and scene_changed(now, before)


@settings(deadline=None, max_examples=25)
@given(row=st.integers(0, HEIGHT - 2 * BLOCK), column=st.integers(0, WIDTH - 2 * BLOCK))
def test_a_faint_object_of_two_blocks_is_seen(row, column):
    now = scene()
    now[row : row + 2 * BLOCK, column : column + 2 * BLOCK] += 5
    assert scene_changed(scene(), now)


@pytest.mark.parametrize("size", [(1, 1), (16, 16), (17, 33), (720, 1280)])
def test_a_drift_is_seen_in_every_size(size):
    height, width = size
    now = scene(height, width) + np.uint8(DRIFT)
    assert scene_changed(scene(height, width), now)
    assert not scene_changed(scene(height, width), now - np.uint8(1))


def test_another_size_is_a_change():
    assert scene_changed(scene(), scene(HEIGHT, WIDTH - 1))


def test_noise_is_none():
    first = noisy(0, height=720, width=1280)
    assert not any(
        scene_changed(first, noisy(seed, height=720, width=1280)) for seed in range(1, 6)
    )


@settings(deadline=None, max_examples=25)
@given(levels=st.lists(st.integers(-1, 1), max_size=60))
def test_a_slow_fade_never_lags_by_more_than_the_threshold(levels):
    last = PaintingCache()
    level = 100
    for step in levels:
        level += step
        rgb = np.full((40, 60, 3), level, np.uint8)
        painting = last.get(rgb, "style")
        if painting is None:
            painting = rgb
            last.put(rgb, "style", painting)
        assert abs(int(painting[0, 0, 0]) - level) < DRIFT


def test_a_painting_is_given_again_only_for_the_same_scene_painted_in_the_same_way():
    last = PaintingCache()
    painting = scene()
    assert last.get(scene(), "starry") is None
    last.put(scene(), "starry", painting)
    assert last.get(scene(), "starry") is painting
    assert last.get(noisy(1), "starry") is painting
    assert last.get(scene(), "marbling") is None
    assert last.get(255 - scene(), "starry") is None
