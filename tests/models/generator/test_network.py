import pytest

torch = pytest.importorskip("torch", reason="needs the train extra")

from models.generator.architecture import dense, fast, without_adaptation  # noqa: E402
from models.generator.network import Generator  # noqa: E402

SIZES = {"fast": fast(0.25, blocks=2), "dense": dense(0.25, blocks=1)}


@pytest.fixture(params=SIZES)
def generator(request):
    """A generator whose strokes can be seen."""
    torch.manual_seed(0)
    generator = Generator(SIZES[request.param]).eval().requires_grad_(False)
    last = [m for m in generator.modules() if isinstance(m, torch.nn.Conv2d)][-1]
    last.weight.copy_(torch.randn_like(last.weight) * 0.3)
    return generator


def random_picture(height, width):
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(0))


def test_a_window_is_painted_like_a_picture_with_its_own_margin(generator):
    picture, margin = random_picture(96, 128), generator.architecture.margin
    window = torch.nn.functional.pad(picture, (margin,) * 4, mode="reflect")
    assert torch.allclose(generator.paint_window(window, 96, 128), generator(picture), atol=1e-5)


def test_strength_goes_from_the_picture_to_the_painting(generator):
    picture = random_picture(64, 72)
    painted = generator(picture)
    assert torch.allclose(generator(picture, 0.0), picture, atol=1e-6)
    assert torch.allclose(generator(picture, 0.25), 0.75 * picture + 0.25 * painted, atol=1e-5)


def test_balanced_sub_pixels_answer_flat_features_alike():
    torch.manual_seed(0)
    generator = Generator(SIZES["dense"]).requires_grad_(False)
    last = [m for m in generator.modules() if isinstance(m, torch.nn.Conv2d)][-1]
    last.weight.copy_(torch.randn_like(last.weight))
    last.bias.copy_(torch.randn_like(last.bias))
    flat = torch.rand(1, last.in_channels, 1, 1).expand(1, last.in_channels, 8, 8)
    shuffled = torch.nn.functional.pixel_shuffle(last(flat), 2)[..., 4:-4, 4:-4]
    assert float(shuffled.std(dim=(2, 3)).max()) > 0.1
    weight = last.weight.clone()
    generator.balance()
    shuffled = torch.nn.functional.pixel_shuffle(last(flat), 2)[..., 4:-4, 4:-4]
    assert float(shuffled.std(dim=(2, 3)).max()) < 1e-5
    assert float((last.weight - weight).abs().mean()) < 0.5 * float(weight.abs().mean())
    again = last.weight.clone()
    generator.balance()
    assert torch.allclose(last.weight, again, atol=1e-6)


def test_a_dense_generator_begins_grey_and_without_a_grid():
    torch.manual_seed(0)
    generator = Generator(SIZES["dense"]).eval().requires_grad_(False)
    painted = generator(torch.full((1, 3, 64, 64), 0.4))[..., 24:40, 24:40]
    assert float(painted.mean()) == pytest.approx(0.5, abs=0.3)
    assert float((painted - painted.mean(dim=(2, 3), keepdim=True)).abs().max()) < 1e-3


def test_adaptation_starts_as_none():
    torch.manual_seed(0)
    adaptive = Generator(SIZES["dense"]).eval().requires_grad_(False)
    plain = Generator(without_adaptation(SIZES["dense"])).eval().requires_grad_(False)
    missing = plain.load_state_dict(adaptive.state_dict(), strict=False)
    assert not missing.missing_keys and all(".adapt." in k for k in missing.unexpected_keys)
    picture = random_picture(64, 72)
    assert torch.allclose(adaptive(picture), plain(picture), atol=1e-6)


def test_what_is_far_away_has_a_say_in_an_adaptive_generator_only():
    """One half of the picture becomes brighter; 100 pixels into the other half something changes
    only if the whole picture counts."""
    torch.manual_seed(0)
    first = random_picture(64, 512)
    second = first.clone()
    second[..., 256:] = 1 - second[..., 256:] / 3

    def change(generator):
        a, b = generator(first), generator(second)
        return float((a - b)[..., :100].abs().max())

    adaptive = Generator(SIZES["dense"]).eval().requires_grad_(False)
    for unit in (m for m in adaptive.modules() if getattr(m, "adapt", None) is not None):
        unit.adapt.weight.normal_(std=0.3)
        if unit.norm is not None:
            unit.norm.weight.fill_(1.0)
    last = [m for m in adaptive.modules() if isinstance(m, torch.nn.Conv2d)][-1]
    last.weight.copy_(torch.randn_like(last.weight) * 0.3)
    plain = Generator(without_adaptation(SIZES["dense"])).eval().requires_grad_(False)
    plain.load_state_dict(adaptive.state_dict(), strict=False)
    assert change(plain) < 1e-5
    assert change(adaptive) > 0.01
