import pytest

pytest.importorskip("torch", reason="needs the train extra")

import torch
import torch.nn.functional as F

from training.optimise.objective.frozen_conv import repeating_conv

RANDOM = torch.Generator().manual_seed(0)
WEIGHT = torch.randn(5, 4, 3, 3, generator=RANDOM, dtype=torch.float64)
BIAS = torch.randn(5, generator=RANDOM, dtype=torch.float64)


@pytest.mark.parametrize("shape", [(9, 8), (1, 6), (2, 1), (1, 1)])
def test_it_is_a_convolution_of_the_repeated_border(shape):
    x = torch.randn(2, 4, *shape, generator=RANDOM, dtype=torch.float64).requires_grad_()
    plain = F.conv2d(F.pad(x, (1, 1, 1, 1), mode="replicate"), WEIGHT, BIAS)
    found = repeating_conv(x, WEIGHT, BIAS)
    assert torch.allclose(found, plain)
    pull = torch.randn(plain.shape, generator=RANDOM, dtype=torch.float64)
    one, other = (torch.autograd.grad((y * pull).sum(), x)[0] for y in (found, plain))
    assert torch.allclose(one, other)


def test_it_keeps_no_features_for_the_way_back():
    kept = []
    x = torch.rand(1, 4, 32, 32, dtype=torch.float64, requires_grad=True)
    with torch.autograd.graph.saved_tensors_hooks(
        lambda t: kept.append(t.numel()) or t, lambda t: t
    ):
        repeating_conv(x, WEIGHT, BIAS)
    assert sum(kept) <= WEIGHT.numel()
