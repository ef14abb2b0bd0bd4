import pytest

torch = pytest.importorskip("torch", reason="needs the train extra")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from training.losses.tones.light import (  # noqa: E402
    Light,
    light_loss,
    light_of,
    luma,
)

DUSK = Light(mean=0.4, deviation=0.18)


def photograph(seed, mean=0.5, deviation=0.2):
    """A picture (2, 3, 64, 64) of places of 8 pixels, with this mean and deviation of its luma."""
    random = torch.Generator().manual_seed(seed)
    places = (
        torch.rand(2, 3, 8, 8, generator=random).repeat_interleave(8, 2).repeat_interleave(8, 3)
    )
    return lit(places, Light(mean, deviation))


def lit(pictures, light):
    """The pictures, brought to this mean and deviation of their luma."""
    seen = luma(pictures)
    mean, deviation = (f(dim=(2, 3), keepdim=True) for f in (seen.mean, seen.std))
    return (pictures - mean) / deviation * light.deviation + light.mean


@given(
    seed=st.integers(0, 10**6),
    mean=st.floats(0.3, 0.6),
    deviation=st.floats(0.1, 0.25),
)
@settings(max_examples=20)
def test_a_photograph_in_the_paintings_light_is_what_is_wanted(seed, mean, deviation):
    source = photograph(seed, mean, deviation)
    assert float(light_loss(lit(source, DUSK), source, DUSK)) < 1e-3


def test_a_flat_painting_and_a_negative_are_worse_and_worst():
    source = photograph(0)
    right = lit(source, DUSK)
    flat = DUSK.mean + (right - DUSK.mean) * 0.5
    negative = 2 * DUSK.mean - right
    losses = [float(light_loss(x, source, DUSK)) for x in (right, flat, negative)]
    assert losses[1] == pytest.approx(0.25, abs=0.02)
    assert losses[2] == pytest.approx(4, abs=0.1)


def test_strokes_are_free():
    source = photograph(1)
    painted = lit(source, DUSK)
    stripes = torch.ones(64)
    stripes[::2] = -1
    stroked = painted + 0.3 * stripes[:, None]
    assert float(light_loss(stroked, source, DUSK)) == pytest.approx(
        float(light_loss(painted, source, DUSK)), abs=1e-3
    )


def test_an_even_wall_stays_even():
    """What little it differs by is not taken for light and shade."""
    random = torch.Generator().manual_seed(0)
    wall = 0.7 + 0.004 * torch.randn(1, 3, 64, 64, generator=random)
    even = torch.full_like(wall, DUSK.mean)
    assert float(light_loss(even, wall, DUSK)) < 1e-3


def test_several_style_pictures_count_by_their_shares():
    dark, bright = torch.full((1, 3, 8, 8), 0.2), torch.full((1, 3, 8, 8), 0.8)
    bright[..., 4:] = 0.6
    light = light_of([dark, bright], [3, 1])
    assert light.mean == pytest.approx(0.75 * 0.2 + 0.25 * 0.7)
    assert light.deviation == pytest.approx(0.25 * 0.1)


def test_a_style_picture_of_one_colour_leaves_a_finite_loss():
    source = photograph(2)
    light = light_of([torch.full((1, 3, 8, 8), 0.5)], [1])
    assert torch.isfinite(light_loss(source, source, light))
