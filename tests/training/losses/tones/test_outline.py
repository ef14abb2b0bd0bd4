import pytest

torch = pytest.importorskip("torch", reason="needs the train extra")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from training.losses.tones.light import Light, luma  # noqa: E402
from training.losses.tones.outline import outline_loss  # noqa: E402

DUSK = Light(mean=0.4, deviation=0.18)


def lit(pictures, light):
    """The pictures, brought to this mean and deviation of their luma."""
    seen = luma(pictures)
    mean, deviation = (f(dim=(2, 3), keepdim=True) for f in (seen.mean, seen.std))
    return (pictures - mean) / deviation * light.deviation + light.mean


def across_an_edge():
    """A photograph (1, 3, 64, 64) with one outline, upright in the middle, and its painting."""
    source = torch.full((1, 3, 64, 64), 0.3)
    source[..., 32:] = 0.7
    return source, lit(source, DUSK)


def test_an_outline_as_sharp_as_the_photographs_is_what_is_wanted():
    source, painted = across_an_edge()
    assert float(outline_loss(painted, source, DUSK)) < 1e-6
    soft = torch.nn.functional.avg_pool2d(painted, 3, stride=1, padding=1, count_include_pad=False)
    gone = torch.full_like(painted, DUSK.mean)
    losses = [float(outline_loss(x, source, DUSK)) for x in (painted, soft, gone)]
    assert losses[2] > 1.5 * losses[1] > 20 * losses[0]
    assert losses[1] > 1e-3


def test_strokes_across_an_outline_count_and_strokes_beside_it_are_free():
    source, painted = across_an_edge()
    stripes = 0.1 * torch.tensor([1.0, 1.0, -1.0, -1.0]).repeat(16)[:, None].expand(64, 64)
    beside, across = painted.clone(), painted.clone()
    beside[..., :24] += stripes[:, :24]
    across[..., 28:36] += stripes[:, 28:36]
    assert float(outline_loss(beside, source, DUSK)) < 1e-6
    assert float(outline_loss(across, source, DUSK)) > 1e-3


@given(mean=st.floats(0.3, 0.6), deviation=st.floats(0.1, 0.25))
@settings(max_examples=20)
def test_outlines_are_wanted_in_the_paintings_contrast(mean, deviation):
    random = torch.Generator().manual_seed(4)
    places = torch.rand(2, 3, 8, 8, generator=random)
    sharp = places.repeat_interleave(8, 2).repeat_interleave(8, 3)
    source = lit(sharp, Light(mean, deviation))
    assert float(outline_loss(lit(source, DUSK), source, DUSK)) < 1e-3


def test_the_grain_of_an_even_wall_is_no_outline():
    random = torch.Generator().manual_seed(0)
    wall = 0.7 + 0.008 * torch.randn(1, 3, 64, 64, generator=random)
    assert float(outline_loss(torch.rand(1, 3, 64, 64, generator=random), wall, DUSK)) < 1e-3
