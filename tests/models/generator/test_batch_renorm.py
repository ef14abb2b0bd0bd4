"""Batch renormalization: values of the running statistics, gradients of the batch's own."""

import pytest

torch = pytest.importorskip("torch", reason="needs the train extra")

from models.generator.batch_renorm import BatchRenorm  # noqa: E402


@pytest.fixture
def norm():
    """One that has seen other batches than those of `batch`."""
    made = BatchRenorm(3)
    with torch.no_grad():
        made.running_mean.copy_(torch.tensor([0.5, -1.0, 2.0]))
        made.running_var.copy_(torch.tensor([0.25, 4.0, 1.0]))
        made.weight.copy_(torch.tensor([1.0, 2.0, -0.5]))
        made.bias.copy_(torch.tensor([0.0, 0.3, 1.0]))
    return made


@pytest.fixture
def batch():
    return torch.randn(4, 3, 5, 6, generator=torch.Generator().manual_seed(0)) * 3 + 1


def test_it_paints_by_the_running_statistics(norm, batch):
    expected = norm.eval()(batch)
    norm.train().renormed = True
    assert torch.allclose(norm(batch), expected, atol=1e-5)


def test_before_that_it_is_batch_norm(norm, batch):
    plain = torch.nn.BatchNorm2d(3)
    plain.load_state_dict(norm.state_dict())
    assert torch.equal(norm(batch), plain(batch))
    assert torch.equal(norm.running_mean, plain.running_mean)


def test_no_gradient_moves_all_of_a_channel_or_scales_it(norm, batch):
    """The batch's own mean and deviation are taken off, whatever is asked of the output."""
    norm.renormed = True
    batch.requires_grad_()
    (
        norm(batch) * torch.randn(batch.shape, generator=torch.Generator().manual_seed(1))
    ).sum().backward()
    gradient = batch.grad
    assert gradient.abs().max() > 0.1
    assert torch.allclose(gradient.sum(dim=(0, 2, 3)), torch.zeros(3), atol=1e-3)
    assert torch.allclose((gradient * batch).sum(dim=(0, 2, 3)), torch.zeros(3), atol=1e-2)


def test_the_running_statistics_go_on_following_the_batches(norm, batch):
    norm.renormed = True
    for _ in range(200):
        norm(batch)
    assert torch.allclose(norm.running_mean, batch.mean(dim=(0, 2, 3)), atol=1e-3)
    assert torch.allclose(norm.running_var, batch.var(dim=(0, 2, 3), correction=0), rtol=1e-3)
