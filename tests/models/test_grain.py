import numpy as np
import pytest

from models.grain import grain_field, with_grain

WALL = np.full((120, 160, 3), 120, np.uint8)


def test_a_wall_gets_a_grey_texture_of_the_given_deviation():
    wall = np.full((720, 1280, 3), 120, np.uint8)
    seen = with_grain(wall, 0.03)
    assert seen.dtype == np.uint8 and seen.shape == wall.shape
    assert (seen == seen[..., :1]).all()
    assert seen.std() == pytest.approx(0.03 * 255, rel=0.1)
    assert seen.mean() == pytest.approx(120, abs=2)


def test_a_small_part_is_as_bright_and_as_rough_as_any():
    """A crop in training must see what a frame shows there: its own mean and deviation vary."""
    parts = np.stack([grain_field(48, 64, np.random.default_rng(seed)) for seed in range(400)])
    assert parts.mean() == pytest.approx(0, abs=0.1)
    assert parts.std() == pytest.approx(1, rel=0.1)
    assert parts.mean(axis=(1, 2)).std() > 0.3


def test_it_stays_where_it_is():
    assert (with_grain(WALL, 0.03) == with_grain(WALL.copy(), 0.03)).all()
    assert (WALL == 120).all()


def test_it_grows_with_the_picture_that_is_painted_smaller():
    large = with_grain(np.full((240, 320, 3), 120, np.uint8), 0.03, painted=(120, 160))
    shrunk = large.reshape(120, 2, 160, 2, 3).mean(axis=(1, 3))
    assert np.abs(shrunk - with_grain(WALL, 0.03)).mean() < 1.5


def test_black_and_white_stay_within_bytes():
    for level in (0, 255):
        seen = with_grain(np.full((64, 64, 3), level, np.uint8), 0.05)
        assert abs(float(seen.mean()) - level) < 20


def test_no_spots_are_alike_from_one_end_to_the_other():
    field = grain_field(768, 1536, np.random.default_rng(3))
    left, right = field[:, :768], field[:, 768:]
    assert abs(np.corrcoef(left.ravel(), right.ravel())[0, 1]) < 0.2
