import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("torch", reason="needs the train extra")

from training.data.augment import random_box, random_variation


def random_crop(picture, size, random):
    return random_box(picture.shape, size, random).cut(picture, size)


sides = st.integers(64, 200)


@settings(deadline=None, max_examples=60)
@given(
    height=st.integers(1, 300),
    width=st.integers(1, 300),
    size=st.tuples(sides, sides),
    seed=st.integers(0, 99),
)
def test_crops_of_any_picture_have_the_asked_size(height, width, size, seed):
    random = np.random.default_rng(seed)
    picture = random.integers(0, 256, (height, width, 3), dtype=np.uint8)
    varied = random_variation(random_crop(picture, size, random), random)
    assert varied.shape == (*size, 3)
    assert varied.dtype == np.uint8


@pytest.mark.parametrize("size", [(64, 64), (64, 128), (150, 64)])
def test_what_is_round_stays_round(size):
    rows, columns = np.mgrid[:300, :400]
    picture = np.stack([columns // 2, rows // 2, 0 * rows], axis=-1).astype(np.uint8)
    for seed in range(10):
        crop = random_crop(picture, size, np.random.default_rng(seed)).astype(float)
        across = (crop[:, -1, 0] - crop[:, 0, 0]).mean() / size[1]
        down = (crop[-1, :, 1] - crop[0, :, 1]).mean() / size[0]
        assert across == pytest.approx(down, rel=0.06)


def test_what_follows_the_colours_is_flipped_along_and_nothing_else():
    """A mask stays where its picture shows the face."""
    ramp = np.repeat(np.arange(0, 250, 2, dtype=np.uint8)[None], 20, axis=0)
    crop = np.stack([ramp] * 4, axis=-1)
    flipped = []
    for seed in range(20):
        varied = random_variation(crop, np.random.default_rng(seed))
        mask = varied[..., 3]
        flipped.append((mask == ramp[:, ::-1]).all())
        assert flipped[-1] or (mask == ramp).all()
        rising = varied[:, 60:, 0].mean() > varied[:, :60, 0].mean()
        assert rising != flipped[-1]
    assert 0 < sum(flipped) < 20


def test_a_few_crops_are_lit_by_a_coloured_lamp():
    grey = np.full((64, 64, 3), 160, np.uint8)
    means = [
        random_variation(grey, np.random.default_rng(seed)).mean(axis=(0, 1)) for seed in range(400)
    ]
    lit = [bool(rgb.max() > 1.3 * rgb.min()) for rgb in means]
    assert 0.02 < np.mean(lit) < 0.12
    assert min(rgb.max() for rgb in means) > 60
    assert any(rgb.max() > 20 * rgb.min() for rgb in means)
