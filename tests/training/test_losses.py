import pytest

torch = pytest.importorskip("torch", reason="needs the train extra")

from training import losses  # noqa: E402


def features(seed=0, batch=2, size=8):
    return torch.randn(batch, 5, size, size, generator=torch.Generator().manual_seed(seed))


def test_gram_matrix_of_known_features():
    f = torch.tensor([[[[1.0, 2.0]], [[3.0, 4.0]]]])  # two channels, two positions
    expected = torch.tensor([[[5.0, 11.0], [11.0, 25.0]]]) / 2
    assert torch.allclose(losses.gram_matrix(f), expected)


def test_gram_matrix_does_not_depend_on_the_size_of_the_picture():
    once = features()
    assert torch.allclose(
        losses.gram_matrix(once), losses.gram_matrix(once.repeat(1, 1, 3, 2)), atol=1e-5
    )


@pytest.mark.parametrize("scale", [0.01, 1.0, 100.0])
def test_losses_are_relative_to_the_strength_of_the_target(scale):
    wrong, right = features(1), features(2)
    plain = losses.content_loss(wrong, right)
    assert torch.allclose(losses.content_loss(wrong * scale, right * scale), plain)
    assert float(losses.content_loss(torch.zeros_like(right), right)) == pytest.approx(1.0)


def test_batch_scope_lets_pictures_differ_where_image_scope_does_not():
    target = torch.eye(3) * 4
    apart = torch.eye(3) * torch.tensor([1.0, -1.0])[:, None, None]
    grams = target + apart  # wrong one by one, right on average
    assert float(losses.gram_loss(grams, target, "batch")) == pytest.approx(0.0)
    image = float(losses.gram_loss(grams, target, "image"))
    assert image > 0
    assert float(losses.gram_loss(grams, target, "mixed")) == pytest.approx(image / 2)


def test_total_variation_of_a_ramp():
    ramp = torch.arange(4.0).expand(1, 3, 4, 4) * 0.1
    assert float(losses.total_variation_loss(ramp)) == pytest.approx(0.01)


def test_only_values_outside_the_range_are_punished():
    inside = torch.rand(1, 3, 4, 4)
    assert float(losses.range_loss(inside)) == 0
    assert float(losses.range_loss(inside * 0 + 1.5)) == pytest.approx(0.25)
    assert float(losses.range_loss(inside * 0 - 0.5)) == pytest.approx(0.25)


@pytest.mark.parametrize("period", [2, 4, 8])
def test_the_grid_loss_is_the_variance_of_a_wave_in_step_with_the_strides(period):
    wave = 0.1 * torch.cos(2 * torch.pi * torch.arange(64) / period)
    picture = (0.5 + wave).expand(1, 3, 64, 64)
    assert float(losses.grid_loss(picture)) == pytest.approx(float(wave.square().mean()), rel=1e-4)


@pytest.mark.parametrize("period", [5, 7.5, 16])
def test_the_grid_loss_leaves_strokes_of_other_lengths_alone(period):
    wave = 0.1 * torch.cos(2 * torch.pi * torch.arange(120) / period)
    picture = (0.5 + wave).expand(1, 3, 123, 120)
    assert float(losses.grid_loss(picture)) < 0.02 * float(wave.square().mean())
