import pytest

torch = pytest.importorskip("torch", reason="needs the train extra")

from training.losses.pruned_vgg import prune_network  # noqa: E402


@pytest.fixture
def crops(photographs):
    return photographs.batch(seed=0, step=0, batch_size=8, size=(64, 64))


def test_half_the_channels_explain_most_of_the_rest(loss_network, crops):
    slim, r2 = prune_network(loss_network, crops, deepest="relu3_3")
    assert list(r2) == slim.layers == loss_network.layers[:7]
    features = slim(crops, ("relu2_2", "relu3_3"))
    assert features["relu2_2"].shape[1] == 6
    assert features["relu3_3"].shape[1] == 8
    assert min(r2.values()) > 0.6


def test_keeping_every_channel_changes_nothing(loss_network, crops):
    slim, r2 = prune_network(loss_network, crops, deepest="relu2_2", keep=1.0)
    assert min(r2.values()) > 0.999
    expected = loss_network(crops, ("relu2_2",))["relu2_2"]
    got = slim(crops, ("relu2_2",))["relu2_2"]
    assert float((got - expected).square().mean() / expected.square().mean()) < 1e-3
