"""The curve, what it does to pictures, and how it follows moving ones."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.exposure import (
    LEAST_RANGE,
    MOST_GAIN,
    ROOM,
    EasedExposure,
    Exposure,
    curve,
    curve_table,
    measure,
    normalised,
)

exposures = st.builds(
    lambda mean, black, share: Exposure(
        mean, black, black + LEAST_RANGE + share * (1 - LEAST_RANGE - black)
    ),
    st.floats(0, 1),
    st.floats(0, 1 - LEAST_RANGE),
    st.floats(0, 1),
)


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
    as_floats = measure(rgb / 255)
    assert as_floats.mean == pytest.approx(found.mean)


def test_black_and_white_are_the_ends_of_the_values_of_all_three_colours():
    rgb = np.full((100, 100, 3), 120, np.uint8)
    rgb[:3] = (40, 120, 200)
    rgb[50, 50] = (0, 255, 0)  # a single pixel is neither
    found = measure(rgb)
    assert (found.black, found.white) == pytest.approx((40 / 255, 200 / 255))


@pytest.mark.parametrize("level", [0, 6, 128, 255])
def test_black_and_white_of_one_grey_are_apart_and_within_the_range(level):
    found = measure(np.full((40, 40, 3), level, np.uint8))
    assert found.white - found.black == pytest.approx(LEAST_RANGE)
    assert 0 <= found.black <= level / 255 <= found.white <= 1


def test_the_curve_has_its_golden_values():
    # The mean lies at 0.25 and is wanted at 0.4, so b = 1: 2x / (1 + x).
    exposure = Exposure(0.3, 0.1, 0.9)
    assert exposure.bend == pytest.approx(1)
    found = curve(np.array([0.0, 0.1, 0.3, 0.5, 0.9, 1.0]), exposure)
    wanted = [ROOM + (1 - 2 * ROOM) * x for x in (0, 0, 0.4, 2 / 3, 1, 1)]
    assert found == pytest.approx(wanted)


@given(exposures)
def test_nothing_is_spread_by_more_than_the_most_gain(exposure):
    most = max(MOST_GAIN, 1 / (exposure.white - exposure.black))
    values = curve(np.linspace(0, 1, 256), exposure)
    assert np.diff(values).max() * 255 <= most + 1e-6


@given(exposures)
def test_the_table_is_the_curve_in_bytes_and_never_falls(exposure):
    table = curve_table(exposure)
    assert table.dtype == np.uint8
    assert (np.diff(table.astype(int)) >= 0).all()
    assert np.abs(table / 255 - curve(np.arange(256) / 255, exposure)).max() <= 0.5 / 255 + 1e-9


@pytest.mark.parametrize("brightness", [0.35, 0.6, 0.8])
def test_a_dark_room_comes_out_like_a_bright_one(brightness):
    rgb = scene(brightness)
    kept = rgb.copy()
    difference = normalised(rgb).astype(int) - normalised(scene(1.0))
    assert np.abs(difference).mean() < 2
    assert np.array_equal(rgb, kept)


def test_fog_is_lifted():
    fog = np.rint(scene() * 0.4 + 130).astype(np.uint8)
    assert np.abs(normalised(fog).astype(int) - normalised(scene())).mean() < 3


def test_on_a_dark_stage_black_stays_dark_and_skin_is_not_bleached():
    rgb = np.full((90, 160, 3), 8, np.uint8)
    rgb[20:80, 70:90] = (200, 150, 130)
    rgb[20:30, 70:90] = (250, 250, 245)
    seen = normalised(rgb)
    assert seen[0, 0].max() < 30
    skin = seen[50, 80].astype(int)
    assert skin.max() < 245
    assert skin[0] - skin[2] > 25


def test_a_lamp_does_not_darken_the_room_beside_it():
    dark, lit = scene(0.25), scene(0.25)
    lit[:20, :20] = 255  # 3 % of the picture
    elsewhere = (slice(20, None), slice(20, None))
    assert normalised(lit)[elsewhere].std() > 0.5 * normalised(dark)[elsewhere].std()
    assert normalised(lit)[elsewhere].std() > 2 * dark[elsewhere].std()


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
    darker = scene(0.9)
    steps = [eased.normalise(darker, i / 30).mean() for i in range(1, 121)]
    assert steps[0] < normalised(darker).mean() - 8
    assert (np.diff(steps) >= 0).all(), "no flicker on the way"
    assert max(np.diff(steps)) < 1.25
    assert steps[14] == pytest.approx(steps[0] + 0.63 * (steps[-1] - steps[0]), abs=1)
    assert steps[-1] == pytest.approx(normalised(darker).mean(), abs=1)


def test_it_says_whether_it_has_settled():
    eased = EasedExposure()
    eased.normalise(scene(1.0), 0.0)
    eased.normalise(scene(0.8), 1 / 30)
    assert not eased.settled
    eased.normalise(scene(0.8), 5.0)
    assert eased.settled


@pytest.mark.parametrize("brightness", [0.2, 1.0])
def test_a_noisy_camera_before_a_still_scene_settles(brightness):
    random = np.random.default_rng(0)
    eased = EasedExposure()
    settled = []
    for i in range(90):
        noisy = scene(brightness) + random.normal(0, 4, (90, 160, 3))
        eased.normalise(np.clip(np.rint(noisy), 0, 255).astype(np.uint8), i / 30)
        settled.append(eased.settled)
    assert all(settled[30:])


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
