"""What is shown is moved along with what moves, and nothing else is."""

import cv2
import numpy as np
import pytest

from models.pictures import RGB
from models.steadiness.follow import Floats, Follower

HEIGHT, WIDTH = 180, 320
CELLS = (90, 160)


def texture(seed: int, height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
    noise = np.random.default_rng(seed).uniform(0, 255, (height, width, 3))
    soft = cv2.GaussianBlur(noise, (0, 0), 3)
    return np.asarray(cv2.normalize(soft, np.empty_like(soft), 20, 235, cv2.NORM_MINMAX))


def scene(x: int, seed: int = 1) -> RGB:
    """A patch of 100×80 with a texture of its own at column `x`, on another texture."""
    picture = texture(seed)
    picture[50:130, x : x + 100] = texture(7)[:80, :100]
    return picture.round().astype(np.uint8)


def moving_cells(*frames: RGB) -> Floats:
    change = cv2.absdiff(*frames).max(axis=2).astype(np.float32)
    cells = cv2.resize(change, CELLS[::-1], interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.dilate((cells > 4).astype(np.float32), np.ones((3, 3))))


def large(values: Floats) -> Floats:
    return np.asarray(cv2.resize(values, (WIDTH, HEIGHT)))


@pytest.mark.parametrize("step", [-7, 4, 9])
def test_what_is_held_moves_with_the_frame(step):
    before, now = scene(90), scene(90 + step)
    follower = Follower()
    follower.see(before)
    follower.see(now)
    held = 255 - before.astype(np.float32)
    trust = follower.move(held, moving_cells(before, now))
    assert trust is not None
    inside = np.s_[60:120, 100 + step : 180 + step]
    assert np.abs(held - (255.0 - now))[inside].mean() < 6
    assert large(trust)[inside].mean() > 0.8


def test_nothing_else_moves():
    before, now = scene(90), scene(96)
    follower = Follower()
    follower.see(before)
    follower.see(now)
    held = 255 - before.astype(np.float32)
    follower.move(held, moving_cells(before, now))
    away = np.ones((HEIGHT, WIDTH), bool)
    away[40:140, 76:210] = False
    assert np.array_equal(held[away], (255 - before.astype(np.float32))[away])


def test_what_comes_from_nowhere_is_not_trusted():
    before, now = scene(90), scene(90, seed=3)
    follower = Follower()
    follower.see(before)
    follower.see(now)
    trust = follower.move(before.astype(np.float32), np.ones(CELLS, np.float32))
    assert trust is not None
    changed = np.ones((HEIGHT, WIDTH), bool)
    changed[45:135, 85:195] = False
    assert large(trust)[changed].mean() < 0.1


def test_without_a_frame_before_nothing_is_trusted():
    follower, held = Follower(), texture(2).astype(np.float32)
    follower.see(scene(90))
    kept = held.copy()
    assert follower.move(held, np.ones(CELLS, np.float32)) is None
    follower.see(scene(94))
    follower.forget()
    follower.see(scene(98))
    assert follower.move(held, np.ones(CELLS, np.float32)) is None
    assert np.array_equal(held, kept)


def test_sizes_may_change_and_tiny_frames_are_left_alone():
    follower = Follower()
    for height, width in ((HEIGHT, WIDTH), (90, 160), (40, 48), (720, 1280)):
        for shift in (0, 4):
            frame = np.roll(texture(4, height, width), shift, axis=1).round().astype(np.uint8)
            follower.see(frame)
            held = frame.astype(np.float32)
            trust = follower.move(held, np.ones((height // 8, width // 8), np.float32))
            assert (trust is not None) == (shift > 0 and height > 64)


def test_a_painting_may_be_larger_than_the_frames_that_are_compared():
    before, now = scene(90), scene(98)
    follower = Follower()
    for frame in (before, now):
        follower.see(np.asarray(cv2.resize(frame, (1280, 720)), np.uint8))
    held = np.asarray(cv2.resize(255 - before, (640, 360)), np.float32)
    expected = np.asarray(cv2.resize(255 - now, (640, 360)), np.float32)
    follower.move(held, moving_cells(before, now))
    assert np.abs(held - expected)[120:240, 220:360].mean() < 8
