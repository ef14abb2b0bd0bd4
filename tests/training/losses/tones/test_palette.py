import pytest

torch = pytest.importorskip("torch", reason="needs the train extra")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from training.losses.tones.light import luma  # noqa: E402
from training.losses.tones.palette import (  # noqa: E402
    Palette,
    chroma,
    colour_loss,
    in_palette,
    palette_of,
)


def photograph(seed, colour=1.0):
    """A picture (1, 3, 64, 64) of places of 8 pixels; `colour` 0: grey."""
    random = torch.Generator().manual_seed(seed)
    places = torch.rand(1, 3, 8, 8, generator=random)
    picture = places.repeat_interleave(8, 2).repeat_interleave(8, 3)
    return luma(picture) + (picture - luma(picture)) * colour


def with_chroma(picture, wanted):
    """The picture with this chroma (B, 2, H, W), as bright as before."""
    light = luma(picture)
    red, blue = light + wanted[:, :1], light + wanted[:, 1:]
    return torch.cat([red, (light - 0.299 * red - 0.114 * blue) / 0.587, blue], dim=1)


@given(seed=st.integers(0, 10**6), colour=st.floats(0.5, 1.0))
@settings(max_examples=20)
def test_a_photograph_in_a_palette_has_its_mean_and_covariance(seed, colour):
    palette = palette_of([photograph(99, 0.7)], [1])
    moved = in_palette(photograph(seed, colour), palette)[0].flatten(1).double()
    assert torch.allclose(moved.mean(dim=1), palette.mean[:, 0], atol=1e-5)
    assert torch.allclose(moved.cov(correction=0), palette.covariance, rtol=0.15, atol=2e-3)


def test_what_is_wanted_costs_nothing_and_the_opposite_colours_most():
    source, palette = photograph(0), palette_of([photograph(1, 0.6)], [1])
    wanted = in_palette(source, palette)
    right = with_chroma(source, wanted)
    opposite = with_chroma(source, 2 * palette.mean.view(1, 2, 1, 1).float() - wanted)
    grey = luma(source).expand(1, 3, 64, 64)
    losses = [float(colour_loss(x, source, palette)) for x in (right, grey, opposite)]
    assert losses[0] < 1e-5
    assert 0.5 < losses[1] < losses[2]
    assert losses[2] == pytest.approx(4, rel=0.2)


def test_yellow_things_are_yellow_in_a_palette_of_blue_and_yellow():
    """The colours change, but not which is which."""
    source = torch.full((1, 3, 64, 64), 0.5)
    source[:, :, 16:32] = torch.tensor([0.8, 0.7, 0.2]).view(1, 3, 1)[..., None]
    night = torch.tensor([0.1, 0.2, 0.6]).view(1, 3, 1, 1).repeat(1, 1, 64, 64)
    night[:, :, :16] = torch.tensor([0.8, 0.7, 0.2]).view(1, 3, 1)[..., None]
    red, blue = in_palette(source, palette_of([night], [1]))[0]
    assert float(red[24, 5]) > float(red[48, 5]) + 0.2
    assert float(blue[24, 5]) < float(blue[48, 5]) - 0.2


def test_strokes_are_free():
    source, palette = photograph(2), palette_of([photograph(3)], [1])
    painted = with_chroma(source, in_palette(source, palette))
    stripes = torch.ones(64)
    stripes[::2] = -1
    stroked = painted + torch.tensor([0.2, 0.0, -0.2]).view(1, 3, 1, 1) * stripes[:, None]
    assert float(colour_loss(stroked, source, palette)) < 1e-3


def test_a_grey_photograph_stays_as_even_as_it_is():
    random = torch.Generator().manual_seed(0)
    wall = 0.6 + 0.004 * torch.randn(1, 3, 64, 64, generator=random)
    palette = palette_of([photograph(4)], [1])
    spread = in_palette(wall, palette).double().var(dim=(2, 3), correction=0).sum()
    assert float(spread) < 0.02 * float(palette.covariance.trace())


def test_a_style_picture_without_colours_leaves_a_finite_loss():
    ink = palette_of([photograph(5, 0.0)], [1])
    assert torch.isfinite(colour_loss(photograph(6), photograph(6), ink))


def test_several_style_pictures_count_by_their_shares():
    red, blue = (
        torch.tensor(x).view(1, 3, 1, 1).expand(1, 3, 8, 8) for x in ([1.0, 0, 0], [0, 0, 1.0])
    )
    both = palette_of([red, blue], [3, 1])
    assert isinstance(both, Palette)
    expected = 0.75 * chroma(red)[0, :, 0, 0] + 0.25 * chroma(blue)[0, :, 0, 0]
    assert torch.allclose(both.mean[:, 0].float(), expected, atol=1e-6)
