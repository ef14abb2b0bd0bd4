import pytest

pytest.importorskip("torch", reason="needs the train extra")

import torch

from training.losses.flat_regions import MOST_NOISE, flat_region_loss, noisy_flat_regions


def test_walls_have_the_colours_of_their_crops_and_noise_of_a_webcam():
    crops = torch.rand(64, 3, 16, 24) * 0.4 + 0.3
    walls = noisy_flat_regions(crops, torch.Generator().manual_seed(0))
    assert walls.shape == (64, 3, 64, 64)
    assert torch.allclose(walls.mean(dim=(2, 3)), crops.mean(dim=(2, 3)), atol=0.002)
    noise = (walls - walls.mean(dim=(2, 3), keepdim=True)).std(dim=(1, 2, 3))
    assert 0 <= float(noise.min()) < 0.5 * MOST_NOISE < float(noise.max()) < 1.1 * MOST_NOISE
    assert torch.equal(walls, noisy_flat_regions(crops, torch.Generator().manual_seed(0)))


def test_one_colour_is_calm_and_strokes_are_not():
    walls = torch.rand(2, 3, 1, 1).expand(2, 3, 64, 64)
    assert float(flat_region_loss(walls)) == pytest.approx(0, abs=1e-12)
    stripes = 0.1 * torch.cos(torch.arange(64.0))
    expected = float(stripes.var(correction=0))
    assert float(flat_region_loss(walls + stripes)) == pytest.approx(expected, rel=1e-3)
