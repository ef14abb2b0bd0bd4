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
