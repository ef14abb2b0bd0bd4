import pytest

torch = pytest.importorskip("torch", reason="needs the train extra")

from training.losses import perceptual  # noqa: E402


def features(seed=0, batch=2, size=8):
    return torch.randn(batch, 5, size, size, generator=torch.Generator().manual_seed(seed))


def test_gram_matrix_of_known_features():
    f = torch.tensor([[[[1.0, 2.0]], [[3.0, 4.0]]]])  # two channels, two positions
    expected = torch.tensor([[[5.0, 11.0], [11.0, 25.0]]]) / 2
    assert torch.allclose(perceptual.gram_matrix(f), expected)


def test_gram_matrix_does_not_depend_on_the_size_of_the_picture():
    once = features()
    assert torch.allclose(
        perceptual.gram_matrix(once), perceptual.gram_matrix(once.repeat(1, 1, 3, 2)), atol=1e-5
    )


@pytest.mark.parametrize("scale", [0.01, 1.0, 100.0])
def test_losses_are_relative_to_the_strength_of_the_target(scale):
    wrong, right = features(1), features(2)
    plain = perceptual.content_loss(wrong, right)
    assert torch.allclose(perceptual.content_loss(wrong * scale, right * scale), plain)
    assert float(perceptual.content_loss(torch.zeros_like(right), right)) == pytest.approx(1.0)


def test_batch_scope_lets_pictures_differ_where_image_scope_does_not():
    target = torch.eye(3) * 4
    apart = torch.eye(3) * torch.tensor([1.0, -1.0])[:, None, None]
    grams = target + apart  # wrong one by one, right on average
    assert float(perceptual.gram_loss(grams, target, "batch")) == pytest.approx(0.0)
    image = float(perceptual.gram_loss(grams, target, "image"))
    assert image > 0
    assert float(perceptual.gram_loss(grams, target, "mixed")) == pytest.approx(image / 2)


def test_total_variation_of_a_ramp():
    ramp = torch.arange(4.0).expand(1, 3, 4, 4) * 0.1
    assert float(perceptual.total_variation_loss(ramp)) == pytest.approx(0.01)


def test_only_values_outside_the_range_are_punished():
    inside = torch.rand(1, 3, 4, 4)
    assert float(perceptual.range_loss(inside)) == 0
    assert float(perceptual.range_loss(inside * 0 + 1.5)) == pytest.approx(0.25)
    assert float(perceptual.range_loss(inside * 0 - 0.5)) == pytest.approx(0.25)


@pytest.mark.parametrize("period", [2, 4, 8])
def test_the_grid_loss_is_the_variance_of_a_wave_in_step_with_the_strides(period):
    wave = 0.1 * torch.cos(2 * torch.pi * torch.arange(64) / period)
    picture = (0.5 + wave).expand(1, 3, 64, 64)
    assert float(perceptual.grid_loss(picture)) == pytest.approx(
        float(wave.square().mean()), rel=1e-4
    )


@pytest.mark.parametrize("period", [5, 10, 16])
def test_the_grid_loss_leaves_strokes_of_other_lengths_alone(period):
    wave = 0.1 * torch.cos(2 * torch.pi * torch.arange(120) / period)
    picture = (0.5 + wave).expand(1, 3, 123, 120)
    assert float(perceptual.grid_loss(picture)) < 0.02 * float(wave.square().mean())


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
    assert float(perceptual.grid_loss(strokes(period))) < 0.03 * 0.1**2


@pytest.mark.parametrize("period", [2, 4, 8])
def test_a_grid_under_strokes_costs_even_where_its_sign_changes(period):
    wave = 0.02 * torch.cos(2 * torch.pi * torch.arange(128) / period)
    sign = torch.ones(128, 128)
    sign[:, 64:] = -1
    power = float(wave.square().mean())
    assert float(perceptual.grid_loss(strokes(11) + wave * sign)) > 0.5 * power


def test_the_grid_loss_lowers_the_grid_and_lets_the_strokes_be():
    wave = 0.02 * torch.cos(2 * torch.pi * torch.arange(128) / 8)
    picture = (strokes(8) + wave).requires_grad_()
    loss = perceptual.grid_loss(picture)
    (slope,) = torch.autograd.grad(loss, picture)
    with torch.no_grad():
        lowered = picture - loss * slope / slope.square().sum()
        assert float(perceptual.grid_loss(lowered)) < 0.6 * float(loss)
        assert float(lowered.std()) == pytest.approx(float(picture.std()), rel=0.02)
