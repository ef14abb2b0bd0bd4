import pytest

from models.errors import UsageError

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


def test_what_lies_beyond_a_crop_does_not_look_like_an_edge(loss_network):
    features = loss_network(torch.full((1, 3, 32, 32), 0.7), ("relu1_2", "relu3_3"))
    for values in features.values():
        assert float((values - values[..., :1, :1]).abs().max()) < 1e-4 * float(values.max())
