from dataclasses import replace

import pytest

torch = pytest.importorskip("torch", reason="needs the train extra")

from models.architecture import fast  # noqa: E402
from models.generator import Generator  # noqa: E402
from training.border import WIDER, border_loss  # noqa: E402


def generator(margin):
    torch.manual_seed(0)
    return Generator(replace(fast(0.25), margin=margin), wrapped=True).eval()


def source():
    return torch.rand(2, 3, 128, 160, generator=torch.Generator().manual_seed(0))


def test_only_zeros_that_reach_the_picture_cost():
    with torch.no_grad():
        assert float(border_loss(generator(64), source())) == pytest.approx(0, abs=1e-10)
        assert float(border_loss(generator(8), source())) > 1e-7


def test_it_is_the_difference_along_the_border():
    narrow = generator(8)
    pictures = [source(), torch.ones_like(source()) * source().mean(dim=(2, 3), keepdim=True)]
    with torch.no_grad():
        with narrow.as_in_use():
            painted = [narrow(x) for x in pictures]
        with narrow.as_in_use(wider=WIDER):
            wider = [narrow(x) for x in pictures]
        loss = float(border_loss(narrow, source()))
    differences = [(a - b).abs() for a, b in zip(painted, wider, strict=True)]
    for difference in differences:
        assert float(difference[..., 48:-48, 48:-48].max()) < 0.1 * float(difference.max())
    assert loss == pytest.approx(float(torch.cat(differences).square().mean()))


def test_it_teaches_and_leaves_the_generator_wrapped():
    narrow = generator(8)
    border_loss(narrow, source()).backward()
    gradient = narrow.core[0].conv.weight.grad
    assert gradient is not None
    assert float(gradient.abs().sum()) > 0
    assert narrow.wrapped
    assert narrow.margin == 0
