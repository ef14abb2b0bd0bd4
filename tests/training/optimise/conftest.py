import pytest

torch = pytest.importorskip("torch", reason="needs the train extra")


def picture_tensor(picture):
    """(H, W, 3) uint8 as (1, 3, H, W) float 0..1."""
    return torch.from_numpy(picture.copy()).permute(2, 0, 1)[None].float() / 255


@pytest.fixture
def features(loss_network):
    """The small loss network, set up for painting."""
    from training.optimise.objective.features import PaintFeatures

    return PaintFeatures(loss_network, "max")


@pytest.fixture
def photo(photographs):
    return picture_tensor(photographs.training[0])


@pytest.fixture
def style(style_picture):
    return picture_tensor(style_picture)


@pytest.fixture
def painting(features, photo, style):
    """A painting of 91 px that takes a moment; settings and inputs as keywords."""
    from training.optimise.paint import Painting
    from training.optimise.settings import PaintSettings

    inputs = ("regions", "start", "tile")

    def make(photo=photo, styles=(style,), features=features, **changes):
        given = {key: changes.pop(key) for key in inputs if key in changes}
        quick = {"size": 91, "first_size": 64, "initial_iterations": 8, "iterations": 4}
        quick["step_size"] = 0.04
        settings = PaintSettings(**(quick | changes))
        return Painting(photo, list(styles), features, settings, **given)

    return make
