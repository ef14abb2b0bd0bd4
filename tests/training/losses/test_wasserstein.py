import pytest

torch = pytest.importorskip("torch", reason="needs the train extra")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from training.losses.perceptual import gram_matrix  # noqa: E402
from training.losses.wasserstein import gaussian, squared_distance, wasserstein_loss  # noqa: E402


def second(mean, covariance):
    return covariance + mean[..., :, None] * mean[..., None, :]


def random_features(seed, shape=(3, 6, 8, 8)):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def statistics(features):
    return features.mean(dim=(2, 3)), gram_matrix(features)


@settings(deadline=None, max_examples=30)
@given(values=st.lists(st.tuples(*[st.floats(0, 9)] * 4), min_size=1, max_size=5))
def test_independent_channels_have_a_closed_form(values):
    """Diagonal covariances: the sum of (m1 - m2)² + (s1 - s2)² over the channels."""
    m1, m2, s1, s2 = torch.tensor(values, dtype=torch.float64).T
    m2 = m2 + 1  # a target without any energy is not one
    distance = squared_distance(
        m1[None], second(m1, s1.square().diag())[None], gaussian(m2, second(m2, s2.square().diag()))
    )
    energy = (m2.square() + s2.square()).sum()
    expected = ((m1 - m2).square() + (s1 - s2).square()).sum() / energy
    assert float(distance) == pytest.approx(float(expected), rel=1e-3, abs=1e-4)


def test_covariances_that_share_their_directions_have_one_too():
    turn, _ = torch.linalg.qr(random_features(0, (1, 1, 5, 5))[0, 0].double())
    s1, s2 = torch.tensor([1.0, 2, 3, 4, 5]).double(), torch.tensor([3.0, 1, 3, 0, 2]).double()
    mean = torch.zeros(5).double()
    first, other = (turn @ s.square().diag() @ turn.T for s in (s1, s2))
    distance = squared_distance(mean[None], first[None], gaussian(mean, other))
    expected = (s1 - s2).square().sum() / s2.square().sum()
    assert float(distance) == pytest.approx(float(expected), rel=1e-4)


@pytest.mark.parametrize("scale", [0.01, 1.0, 100.0])
def test_it_is_relative_zero_at_the_target_and_one_for_black(scale):
    means, grams = statistics(random_features(1) * scale)
    target = gaussian(means[0], grams[0])
    distance = squared_distance(means, grams, target)
    assert float(distance[0]) == pytest.approx(0, abs=1e-4)
    assert float(distance[1]) > 1e-3
    black = squared_distance(means[:1] * 0, grams[:1] * 0, target)
    assert float(black) == pytest.approx(1, abs=1e-4)


def test_batch_scope_lets_pictures_differ_where_image_scope_does_not():
    means, grams = statistics(random_features(2))
    target = gaussian(means.mean(0), grams.mean(0))
    batch, image, mixed = (
        float(wasserstein_loss(means, grams, target, x)) for x in ("batch", "image", "mixed")
    )
    assert batch == pytest.approx(0, abs=1e-4)
    assert image > 1e-3
    assert mixed == pytest.approx((batch + image) / 2)


@pytest.mark.parametrize("kind", ["random", "flat", "black", "equal channels", "the target"])
def test_gradients_are_finite_even_where_covariances_vanish(kind):
    wanted = random_features(3)
    features = {
        "random": random_features(4),
        "flat": torch.ones(3, 6, 8, 8),
        "black": torch.zeros(3, 6, 8, 8),
        "equal channels": random_features(4)[:, :1].expand(3, 6, 8, 8).clone(),
        "the target": wanted.clone(),
    }[kind].requires_grad_()
    target = gaussian(wanted.mean(dim=(0, 2, 3)), gram_matrix(wanted).mean(0))
    wasserstein_loss(*statistics(features), target, "mixed").backward()
    assert bool(torch.isfinite(features.grad).all())


def test_descending_it_reaches_the_target():
    features = random_features(5).requires_grad_()
    wanted = random_features(6) * torch.arange(1, 7).view(1, 6, 1, 1) + 1
    target = gaussian(wanted.mean(dim=(0, 2, 3)), gram_matrix(wanted).mean(0))
    optimizer = torch.optim.Adam([features], lr=0.1)
    for _ in range(150):
        loss = wasserstein_loss(*statistics(features), target, "image")
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert float(loss.detach()) < 0.01
