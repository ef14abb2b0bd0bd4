import numpy as np
import pytest

from models.grain import grain_field, with_grain

WALL = np.full((120, 160, 3), 120, np.uint8)


def test_a_wall_gets_a_grey_texture_of_the_given_deviation():
    seen = with_grain(WALL, 0.03)
    assert seen.dtype == np.uint8 and seen.shape == WALL.shape
    assert (seen == seen[..., :1]).all()
    assert seen.std() == pytest.approx(0.03 * 255, rel=0.1)
    assert seen.mean() == pytest.approx(120, abs=2)


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
        assert abs(float(seen.mean()) - level) < 10


def test_no_spots_are_alike_from_one_end_to_the_other():
    field = grain_field(128, 256, np.random.default_rng(3))
    left, right = field[:, :128], field[:, 128:]
    assert abs(np.corrcoef(left.ravel(), right.ravel())[0, 1]) < 0.2
