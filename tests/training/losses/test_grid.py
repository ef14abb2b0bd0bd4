import pytest

torch = pytest.importorskip("torch", reason="needs the train extra")

from training.losses.grid import grid_loss  # noqa: E402


@pytest.mark.parametrize("period", [2, 4, 8])
def test_the_grid_loss_is_the_variance_of_a_wave_in_step_with_the_strides(period):
    wave = 0.1 * torch.cos(2 * torch.pi * torch.arange(64) / period)
    picture = (0.5 + wave).expand(1, 3, 64, 64)
    assert float(grid_loss(picture)) == pytest.approx(float(wave.square().mean()), rel=1e-4)


@pytest.mark.parametrize("period", [5, 10, 16])
def test_the_grid_loss_leaves_strokes_of_other_lengths_alone(period):
    wave = 0.1 * torch.cos(2 * torch.pi * torch.arange(120) / period)
    picture = (0.5 + wave).expand(1, 3, 123, 120)
    assert float(grid_loss(picture)) < 0.02 * float(wave.square().mean())


def strokes(period: float) -> torch.Tensor:
    """(8, 3, 128, 128): noise of all directions, its waves about `period` pixels long."""
    noise = torch.randn(8, 3, 128, 128, generator=torch.Generator().manual_seed(0))
    across, down = torch.fft.fftfreq(128), torch.fft.fftfreq(128)[:, None]
    band = torch.exp(-(((across.square() + down.square()).sqrt() * period - 1) / 0.3).square())
    waves = torch.fft.ifft2(torch.fft.fft2(noise) * band).real
    return 0.5 + 0.1 * waves / waves.std()


@pytest.mark.parametrize("period", [4, 6, 8, 11])
def test_the_grid_loss_leaves_strokes_that_are_just_so_wide_alone(period):
    """A grid as strong as they costs thirty times as much and more."""
    assert float(grid_loss(strokes(period))) < 0.03 * 0.1**2


@pytest.mark.parametrize("period", [2, 4, 8])
def test_a_grid_under_strokes_costs_even_where_its_sign_changes(period):
    wave = 0.02 * torch.cos(2 * torch.pi * torch.arange(128) / period)
    sign = torch.ones(128, 128)
    sign[:, 64:] = -1
    power = float(wave.square().mean())
    assert float(grid_loss(strokes(11) + wave * sign)) > 0.5 * power


def test_the_grid_loss_lowers_the_grid_and_lets_the_strokes_be():
    wave = 0.02 * torch.cos(2 * torch.pi * torch.arange(128) / 8)
    picture = (strokes(8) + wave).requires_grad_()
    loss = grid_loss(picture)
    (slope,) = torch.autograd.grad(loss, picture)
    with torch.no_grad():
        lowered = picture - loss * slope / slope.square().sum()
        assert float(grid_loss(lowered)) < 0.6 * float(loss)
        assert float(lowered.std()) == pytest.approx(float(picture.std()), rel=0.02)
