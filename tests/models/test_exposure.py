"""The curve, what it does to pictures, and how it follows moving ones."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.exposure import (
    LEAST_DEVIATION,
    EasedExposure,
    Exposure,
    curve,
    curve_table,
    measure,
    normalised,
)

exposures = st.builds(Exposure, st.floats(0, 1), st.floats(LEAST_DEVIATION, 0.5))


def scene(brightness: float = 1.0, *, seed: int = 0) -> np.ndarray:
    """A picture of patches, (90, 160, 3) uint8; with less brightness it is darker and flatter."""
    random = np.random.default_rng(seed)
    patches = random.uniform(20, 220, (9, 16, 1)) + random.uniform(0, 30, (9, 16, 3))
    return np.rint(np.kron(patches, np.ones((10, 10, 1))) * brightness).astype(np.uint8)


def test_luma_is_the_plain_mean_of_red_green_and_blue():
    rgb = np.zeros((2, 2, 3), np.uint8)
    rgb[0] = (255, 0, 0)
    rgb[1] = (255, 255, 0)
    found = measure(rgb)
    assert found.mean == pytest.approx(0.5)
    assert found.deviation == pytest.approx(1 / 6)
    as_floats = measure(rgb / 255)
    assert (as_floats.mean, as_floats.deviation) == pytest.approx((found.mean, found.deviation))


def test_the_curve_has_its_golden_values():
    # u = -1, 0, 1 give 0.5 ± 0.5 / cbrt(2); u = 0.5 gives 0.5 + 0.25 / cbrt(1.125).
    exposure = Exposure(0.4, 0.2)
    found = curve(np.array([0.0, 0.4, 0.8, 0.6]), exposure)
    assert found == pytest.approx([0.10315, 0.5, 0.89685, 0.74038], abs=1e-5)


@given(exposures)
def test_the_table_is_the_curve_in_bytes_and_never_falls(exposure):
    table = curve_table(exposure)
    assert table.dtype == np.uint8
    assert (np.diff(table.astype(int)) >= 0).all()
    assert table[round(255 * exposure.mean)] == pytest.approx(127.5, abs=7)
    assert np.abs(table / 255 - curve(np.arange(256) / 255, exposure)).max() <= 0.5 / 255 + 1e-9


@pytest.mark.parametrize("brightness", [0.35, 0.6, 1.0])
def test_a_dark_room_comes_out_like_a_bright_one(brightness):
    rgb = scene(brightness)
    kept = rgb.copy()
    found = measure(normalised(rgb))
    assert found.mean == pytest.approx(0.5, abs=0.02)
    assert found.deviation == pytest.approx(0.24, abs=0.03)
    assert np.array_equal(rgb, kept)


def test_the_noise_of_an_even_wall_is_not_spread():
    wall = np.random.default_rng(0).normal(60, 2, (90, 160, 3)).round().astype(np.uint8)
    assert normalised(wall).std() < 4 * wall.std()


def test_the_first_picture_is_normalised_at_once():
    rgb = scene(0.5)
    assert np.abs(EasedExposure().normalise(rgb, 7.0).astype(int) - normalised(rgb)).max() <= 1


def test_it_follows_a_slow_change_smoothly_and_arrives():
    eased = EasedExposure()
    eased.normalise(scene(1.0), 0.0)
    assert eased.settled
    darker = scene(0.8)
    steps = [eased.normalise(darker, i / 30).mean() for i in range(1, 121)]
    assert steps[0] < normalised(darker).mean() - 15
    assert (np.diff(steps) >= 0).all(), "no flicker on the way"
    assert max(np.diff(steps)) < 2.5
    assert steps[14] == pytest.approx(steps[0] + 0.63 * (steps[-1] - steps[0]), abs=2)
    assert steps[-1] == pytest.approx(normalised(darker).mean(), abs=1)


def test_it_says_whether_it_has_settled():
    eased = EasedExposure()
    eased.normalise(scene(1.0), 0.0)
    eased.normalise(scene(0.8), 1 / 30)
    assert not eased.settled
    eased.normalise(scene(0.8), 5.0)
    assert eased.settled


def test_how_fast_it_follows_does_not_depend_on_the_frame_rate():
    slow, fast = EasedExposure(), EasedExposure()
    for eased in (slow, fast):
        eased.normalise(scene(1.0), 0.0)
    darker = scene(0.8)
    once = slow.normalise(darker, 0.4).astype(int)
    often = [fast.normalise(darker, i / 100) for i in range(1, 41)][-1]
    assert np.abs(once - often).max() <= 1


@pytest.mark.parametrize(
    "after", [scene(1.0, seed=5), scene(0.3)], ids=["another scene", "light off"]
)
def test_a_cut_is_taken_over_at_once(after):
    eased = EasedExposure()
    eased.normalise(scene(1.0), 0.0)
    assert np.abs(eased.normalise(after, 1 / 30).astype(int) - normalised(after)).max() <= 1
    assert eased.settled


def test_noise_hardly_moves_it():
    random = np.random.default_rng(0)
    eased, still = EasedExposure(), scene(0.6)
    tables = []
    for i in range(60):
        noisy = np.clip(still + random.normal(0, 6, still.shape), 0, 255).astype(np.uint8)
        eased.normalise(noisy, i / 30)
        tables.append(eased._table.astype(int))
    assert np.abs(np.diff(tables, axis=0)).max() <= 1


def test_a_source_that_begins_again_does_not_disturb_it():
    eased = EasedExposure()
    eased.normalise(scene(1.0), 90.0)
    before = eased.normalise(scene(0.95), 90.1)
    assert np.abs(eased.normalise(scene(0.95), 0.0).astype(int) - before).max() <= 1


def test_a_picture_of_another_size_is_measured_anew():
    eased = EasedExposure()
    eased.normalise(scene(1.0), 0.0)
    small = np.ascontiguousarray(scene(0.8)[:60, :70])
    assert np.abs(eased.normalise(small, 0.01).astype(int) - normalised(small)).max() <= 1
