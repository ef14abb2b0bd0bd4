import pytest

torch = pytest.importorskip("torch", reason="needs the train extra")

from training.config.recipe import Recipe  # noqa: E402
from training.data.tensors import to_tensor  # noqa: E402
from training.losses.objective import Objective, style_target  # noqa: E402

LAYERS = ("relu1_2", "relu2_2")


@pytest.fixture
def style_loss(loss_network, style_picture, photographs):
    """The style loss of some photographs under a recipe with these changes."""
    target = style_target(loss_network, [to_tensor(style_picture[None])], [1.0], LAYERS)
    source = photographs.batch(seed=0, step=0, batch_size=3, size=(64, 64))

    def loss(**changes):
        layers = {"style_layers": LAYERS, "style_weight": 1.0} | changes
        objective = Objective(Recipe(style="s", images="p", **layers), loss_network, target)
        return float(objective(source, source)["style"])

    return loss


@pytest.mark.parametrize("kind", ["gram", "wasserstein"])
def test_weights_share_the_style_loss_out_among_the_layers(style_loss, kind):
    first, second = (style_loss(style_loss=kind, style_layers=(x,)) for x in LAYERS)
    assert first != pytest.approx(second)
    assert style_loss(style_loss=kind) == pytest.approx((first + second) / 2, rel=1e-4)
    shared = style_loss(style_loss=kind, layer_weights=(3, 1))
    assert shared == pytest.approx(0.75 * first + 0.25 * second, rel=1e-4)


def test_the_two_style_losses_differ(style_loss):
    assert style_loss(style_loss="gram") != pytest.approx(style_loss(style_loss="wasserstein"))
