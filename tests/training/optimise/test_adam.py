import pytest

pytest.importorskip("torch", reason="needs the train extra")

import torch

from models.errors import TrainingError
from training.optimise.adam import PixelAdam, average_decay

WANTED = torch.linspace(0, 1, 3 * 8 * 8).view(1, 3, 8, 8)
START = torch.full((1, 3, 8, 8), 0.2)


def near(wanted):
    return lambda x: ({"error": float((x - wanted).square().sum())}, 2 * (x - wanted))


def test_it_comes_to_what_is_wanted_and_its_average_does_not_jitter():
    adam = PixelAdam(START, step_size=0.05)
    adam.begin(near(WANTED), (8, 8), 200)
    noise = torch.Generator().manual_seed(0)

    def noisy(x):
        terms, gradient = near(WANTED)(x)
        return terms, gradient + torch.randn(x.shape, generator=noise)

    adam.go_on(noisy)
    for _ in range(200):
        adam.step()
    jitter = (adam.pixels - WANTED).abs().mean()
    assert (adam.picture - WANTED).abs().mean() < jitter * 0.7


def test_the_average_of_one_iterate_is_that_iterate():
    adam = PixelAdam(START, step_size=0.05)
    adam.begin(near(WANTED), (8, 8), 100)
    assert torch.allclose(adam.picture, START)


def test_another_size_starts_from_the_average_with_its_moments():
    adam = PixelAdam(START, step_size=0.05)
    adam.begin(near(WANTED), (8, 8), 20)
    for _ in range(20):
        adam.step()
    before, moment = adam.picture, adam._mean
    adam.begin(near(torch.zeros(1, 3, 16, 16)), (16, 16), 20)
    assert tuple(adam.picture.shape) == (1, 3, 16, 16)
    assert (adam.picture[..., ::2, ::2] - before).abs().mean() < 0.05
    assert (adam._mean[..., ::2, ::2] - moment).abs().mean() < moment.abs().mean()
    assert (adam._square >= 0).all()
    assert adam.steps == 20  # no second warm-up


def test_pixels_stay_in_range_and_what_is_not_finite_changes_nothing():
    adam = PixelAdam(START, step_size=1.0)
    adam.begin(near(WANTED * 9), (8, 8), 5)
    adam.step()
    assert adam.pixels.max() <= 1
    before = adam.pixels.clone()
    adam.go_on(lambda x: ({"error": 1.0}, x * torch.nan))
    with pytest.raises(TrainingError, match="not finite"):
        adam.step()
    assert torch.equal(adam.pixels, before)


def test_short_scales_have_a_short_memory():
    assert average_decay(10) == 0.5
    assert average_decay(100) == pytest.approx(0.92)
    assert average_decay(10_000) == 0.99
