from itertools import pairwise

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("torch", reason="needs the train extra")

from models.errors import TrainingError, UsageError
from training.config.recipe import Recipe
from training.data.tensors import to_tensor
from training.evaluation import metrics as ev
from training.optimise.paint import MOST_LEVELS, SMALLEST_SIDE, level_sides, match_tone, paint


@pytest.fixture
def photo(photographs):
    return photographs.training[0]


@pytest.fixture
def painting(loss_network, style_picture, photo):
    """`paint` for a moment: ARGS of the recipe and of `paint`, (H, W, 3) uint8 back."""

    def run(picture=photo, **changes):
        own = {"size": 128, "iterations": 24}
        own |= {k: changes.pop(k) for k in ("size", "iterations", "keep_colours") if k in changes}
        progress = changes.pop("on_progress", lambda _: None)
        plain = {"style": "test", "images": ("photo.png",), "gram": "image", "tone_weight": 0}
        recipe = Recipe(**(plain | changes))
        return paint(picture, style_picture, loss_network, recipe, on_progress=progress, **own)

    return run


@pytest.mark.parametrize("style_loss", ["gram", "wasserstein"])
def test_the_painting_is_nearer_to_the_style_than_the_photograph(
    painting, loss_network, style_picture, photo, style_loss
):
    target = ev.style_target_of(loss_network, [style_picture])
    painted = painting(style_loss=style_loss)
    assert painted.shape == (102, 128, 3)
    before = to_tensor(cv2.resize(photo, (128, 102), interpolation=cv2.INTER_AREA)[None])
    styles = [
        ev.distance(loss_network, target, before, x)[0] for x in (before, to_tensor(painted[None]))
    ]
    assert styles[1] < styles[0] * 0.8


def test_content_weight_keeps_the_photograph(painting, photo):
    small = cv2.resize(photo, (128, 102), interpolation=cv2.INTER_AREA).astype(int)
    free, bound = painting(content_weight=0), painting(content_weight=1000)
    assert np.abs(bound - small).mean() < np.abs(free - small).mean()


def test_it_goes_from_coarse_to_fine_and_tells_every_iteration(painting, photo):
    told = []
    larger = cv2.resize(photo, (500, 400))
    painting(larger, size=400, iterations=7, on_progress=told.append)
    assert [p.iteration for p in told] == [1, 2, 3, 4, 5, 6, 7]
    assert [p.shape for p in told] == [(160, 200)] * 4 + [(320, 400)] * 3
    assert {p.picture().shape for p in told} == {(320, 400, 3)}
    assert set(told[0].losses) >= {"content", "style", "tv"}


def test_the_last_picture_told_is_the_painting(painting):
    told = []
    painted = painting(iterations=5, on_progress=told.append)
    assert np.array_equal(told[-1].picture(), painted)


def test_colours_can_be_kept(painting, photo):
    painted = painting(keep_colours=True)
    small = cv2.resize(photo, (128, 102), interpolation=cv2.INTER_AREA)
    chroma = [cv2.cvtColor(x, cv2.COLOR_RGB2YCrCb).astype(int) for x in (painted, small)]
    # Very light and very dark pixels cannot hold their colour: hence most, not all.
    assert np.median(np.abs(chroma[0] - chroma[1])[..., 1:]) <= 2
    assert np.abs(chroma[0] - chroma[1])[..., 0].mean() > 2


def test_a_tiny_photograph_and_losses_that_are_not_finite_are_said(painting):
    with pytest.raises(UsageError, match="20x16 is too small to paint"):
        painting(np.zeros((16, 20, 3), np.uint8))
    with pytest.raises(TrainingError, match="not finite"):
        painting(style_weight=float("inf"), iterations=8)


@settings(deadline=None)
@given(st.integers(48, 3000), st.integers(48, 3000))
def test_levels_double_up_to_the_picture(height, width):
    sides = level_sides((height, width))
    assert sides[-1] == max(height, width)
    assert 1 <= len(sides) <= MOST_LEVELS
    for coarse, fine in pairwise(sides):
        assert abs(2 * coarse - fine) <= 1
    if len(sides) > 1:
        assert min(height, width) * sides[0] / sides[-1] >= SMALLEST_SIDE - 1


@settings(deadline=None)
@given(st.integers(0, 255), st.integers(0, 255))
def test_tone_of_a_flat_picture_is_that_of_the_other(flat, other):
    picture = np.full((4, 4, 3), flat, np.uint8)
    like = np.full((4, 4, 3), other, np.uint8)
    assert np.array_equal(match_tone(picture, like), like)


@pytest.mark.parametrize("height", [48, 63])
def test_a_low_photograph_is_painted_too(painting, height):
    picture = np.full((height, 90, 3), 128, np.uint8)
    assert painting(picture, iterations=2).shape == picture.shape
