import pytest

pytest.importorskip("torch", reason="needs the train extra")

import torch

from training.losses.tones.light import luma
from training.optimise.colours import (
    chroma,
    grey,
    match_chroma,
    match_colours,
    match_tone,
    recolour,
)


@pytest.fixture
def pictures():
    random = torch.Generator().manual_seed(0)
    mix = torch.tensor([[0.2, 0.1, 0], [0.1, 0.1, 0.05], [0, 0, 0.1]])
    colours = [torch.rand(3, 400, generator=random) for _ in range(2)]
    made = [(mix @ colours[0] + 0.3), (mix.flip(0) @ colours[1] + 0.4)]
    return [x.view(1, 3, 20, 20) for x in made]


def test_colours_get_the_mean_and_covariance_of_the_other_picture(pictures):
    one, other = pictures
    matched = match_colours(one, other)
    for statistic in (lambda x: x[0].flatten(1).mean(dim=1), lambda x: torch.cov(x[0].flatten(1))):
        assert torch.allclose(statistic(matched), statistic(other), atol=2e-3)


def test_tone_gets_the_mean_and_deviation_of_the_other_picture(pictures):
    one, other = map(grey, pictures)
    matched = match_tone(one, other)
    assert float(matched.mean()) == pytest.approx(float(other.mean()), abs=1e-3)
    assert float(matched.std()) == pytest.approx(float(other.std()), rel=0.02)


@pytest.mark.parametrize("flat", [0.0, 0.3, 1.0])
def test_the_tone_of_a_flat_picture_is_that_of_the_other(flat):
    like = torch.full((1, 3, 4, 4), 0.7)
    assert torch.allclose(match_tone(torch.full((1, 3, 4, 4), flat), like), like)


def test_recolouring_takes_light_from_one_and_colours_from_the_other(pictures):
    one, other = pictures
    result = recolour(one, other)
    assert torch.allclose(luma(result), luma(one), atol=0.03)
    assert torch.allclose(result - luma(result), other - luma(other), atol=0.03)


def test_where_light_strokes_lose_their_colour_the_others_get_more():
    photo = torch.tensor([0.9, 0.4, 0.2]).view(1, 3, 1, 1).expand(1, 3, 8, 8)
    painted = torch.full((1, 3, 8, 8), 0.5)
    painted[..., :3] = 0.97
    assert float(chroma(recolour(painted, photo))) == pytest.approx(float(chroma(photo)), rel=0.05)


def test_chroma_is_matched(pictures):
    one, other = pictures
    assert float(chroma(match_chroma(one, other))) == pytest.approx(float(chroma(other)), rel=0.02)


@pytest.fixture
def grainy():
    """Two broad, pale colours of equal luma with a fine grain of colour, (1, 3, 512, 512)."""
    colour = torch.tensor([0.06, 0.0, -0.157]).view(1, 3, 1, 1)
    halves = torch.ones(1, 1, 512, 512)
    halves[..., 256:] = -1
    grain = torch.randn(1, 1, 512, 512, generator=torch.Generator().manual_seed(0))
    return (0.5 + colour * (halves + 0.3 * grain)).clamp(0, 1)


def grain_of(picture):
    """Deviation of the blue from its surroundings of 8x8 pixels."""
    around = torch.nn.functional.avg_pool2d(picture, 8).repeat_interleave(8, 2)
    return float((picture - around.repeat_interleave(8, 3))[:, 2].std())


@pytest.mark.parametrize("match", [match_colours, match_chroma])
def test_stronger_colours_have_no_stronger_grain(grainy, match):
    like = 0.5 + (grainy - 0.5) * 2.5
    matched = match(grainy, like)
    assert float(chroma(matched)) == pytest.approx(float(chroma(like)), rel=0.05)
    difference = (matched[..., :256] - matched[..., 256:]).mean(dim=(0, 2, 3)).abs().max()
    before = (grainy[..., :256] - grainy[..., 256:]).mean(dim=(0, 2, 3)).abs().max()
    assert difference > 2.2 * before
    assert grain_of(matched) < 1.5 * grain_of(grainy)
