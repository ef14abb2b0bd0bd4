import pytest

torch = pytest.importorskip("torch", reason="needs the train extra")

from models.generator.architecture import fast  # noqa: E402
from models.generator.network import Generator  # noqa: E402

PLAIN = fast(0.25, blocks=2)


@pytest.fixture
def frame():
    return torch.rand(1, 3, 64, 96, generator=torch.Generator().manual_seed(0))


def painting(wrapped):
    """A generator whose strokes can be seen; both kinds have the same weights."""
    torch.manual_seed(0)
    generator = Generator(PLAIN, wrapped=wrapped).eval().requires_grad_(False)
    last = [m for m in generator.modules() if isinstance(m, torch.nn.Conv2d)][-1]
    last.weight.copy_(torch.randn_like(last.weight) * 0.3)
    return generator


@pytest.mark.parametrize(("wrapped", "alike"), [(True, True), (False, False)])
def test_wrapped_the_sides_go_on_with_the_opposite_ones(frame, wrapped, alike):
    generator = painting(wrapped)
    around = (8, 32)
    painted = generator(torch.roll(frame, around, (2, 3)))
    expected = torch.roll(generator(frame), around, (2, 3))
    # Between the seams of the enlargements, which repeat the outermost pixels either way.
    inside = (..., slice(14, -6), slice(6, 26))
    assert torch.allclose(painted[inside], expected[inside], atol=1e-4) == alike


def test_a_wrapped_one_paints_as_in_use_for_a_while(frame):
    wrapped, used = painting(True), painting(False)
    before = wrapped(frame)
    with wrapped.as_exported():
        assert torch.equal(wrapped(frame), used(frame))
    assert torch.equal(wrapped(frame), before)
    assert not torch.allclose(before, used(frame), atol=1e-2)


def test_it_is_wrapped_again_after_an_error(frame):
    generator = painting(True)
    with pytest.raises(RuntimeError), generator.as_exported():
        generator(frame[:, :2])
    assert generator.wrapped
