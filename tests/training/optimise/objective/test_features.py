import pytest

pytest.importorskip("torch", reason="needs the train extra")

import torch

from training.losses.vgg import LossNetwork, TrunkConv, layer_names
from training.optimise.objective.features import (
    FIRST_LAYER,
    PaintFeatures,
    device_of,
    magnitude,
    split,
)
from training.optimise.objective.layers import default_style_layers

PICTURE = torch.rand(1, 3, 64, 80, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("pooling", ["max", "average", "l2"])
def test_a_flat_picture_has_no_frame_in_any_layer(loss_network, pooling):
    features = PaintFeatures(loss_network, pooling)
    for found in features(torch.full((1, 3, 37, 43), 0.8), features.layers).values():
        assert torch.allclose(found, found[..., :1, :1].expand_as(found), rtol=1e-4, atol=1e-6)


def test_the_last_rows_of_an_odd_size_are_seen_like_all_others(features):
    # 73 pixels are 37, 19 and 10 positions of the deeper blocks.
    leaf = torch.rand(1, 3, 73, 73, generator=torch.Generator().manual_seed(0)).requires_grad_()
    found = features(leaf, ("relu4_1",))["relu4_1"]
    assert tuple(found.shape[2:]) == (10, 10)
    found.square().mean().backward()
    seen = leaf.grad.abs().mean(dim=(0, 1))
    inside = seen[16:48, 16:48].mean()
    for outermost in (seen[:, -3:], seen[-3:], seen[:, :3], seen[:3]):
        assert 0.6 < outermost.mean() / inside < 2


def test_all_networks_have_the_same_magnitude(loss_network):
    first, *rest = loss_network.convs()
    louder = [TrunkConv(first.layer, first.weight * 50, first.bias), *rest]
    loud = PaintFeatures(LossNetwork(louder, (0.5, 0.5, 0.5), "max"), "max")
    quiet = PaintFeatures(loss_network, "max")
    for layer, values in quiet(PICTURE, quiet.layers).items():
        assert torch.allclose(loud(PICTURE, (layer,))[layer], values, rtol=1e-3, atol=1e-5)
    scaled = magnitude(loss_network)
    found = float(quiet(PICTURE, ("relu1_1",))["relu1_1"].square().mean().sqrt())
    assert 0.3 < found / FIRST_LAYER < 3
    assert scaled > 0


@pytest.mark.parametrize("pooling", ["average", "l2"])
def test_other_poolings_have_about_the_magnitude_of_max(loss_network, features, pooling):
    other = PaintFeatures(loss_network, pooling)
    found, like = (x(PICTURE, ("relu2_1",))["relu2_1"].mean() for x in (other, features))
    assert 0.6 < found / like < 1.7
    assert abs(found / like - 1) > 1e-3


def test_in_bfloat16_the_gradient_is_nearly_the_same(loss_network, features):
    short = PaintFeatures(loss_network, "max", dtype=torch.bfloat16)
    assert (features.value_bytes, short.value_bytes) == (4, 2)
    gradients = []
    for measure in (features, short):
        leaf = PICTURE.clone().requires_grad_()
        found = measure(leaf, ("relu1_1", "relu2_2", "relu4_1"))
        torch.stack([x.float().square().mean() for x in found.values()]).sum().backward()
        gradients.append(leaf.grad.flatten())
    assert 0.95 < torch.nn.functional.cosine_similarity(*gradients, dim=0) < 1 - 1e-7


def test_a_bfloat16_network_sees_less_than_a_level_of_brightness():
    # As it is, bfloat16 has no value between 0.5 and 0.50390625, a whole level.
    picture = torch.tensor([[[[0.5]], [[0.501]], [[0.502]]]])
    rough, rest = split(picture, torch.bfloat16).float().chunk(2, dim=1)
    assert not torch.allclose(rough, picture, rtol=0, atol=0.1 / 255)
    assert torch.allclose(rough + rest, picture, rtol=0, atol=0.01 / 255)


def test_two_devices_split_after_the_first_block(loss_network, features):
    devices = [torch.device("cpu"), torch.device("meta")]
    split = PaintFeatures(loss_network, "max", devices)
    assert [w.device.type for _, w, _ in split._convs] == ["cpu"] * 2 + ["meta"] * (
        len(split.layers) - 2
    )
    assert device_of("relu1_2", devices) == devices[0]
    both = PaintFeatures(loss_network, "max", [torch.device("cpu")] * 2)
    for layer, values in both(PICTURE, both.layers).items():
        assert torch.equal(values, features(PICTURE, (layer,))[layer])


def test_the_thinnest_picture_has_a_position_in_every_layer(features):
    for found in features(torch.rand(1, 3, 20, 1), features.layers).values():
        assert found.shape[3] == 1


def test_the_names_of_vgg19_fit():
    convs, before = [], 3
    for layer in layer_names("vgg19"):
        convs.append(TrunkConv(layer, torch.randn(4, before, 3, 3) / 6, torch.zeros(4)))
        before = 4
    features = PaintFeatures(LossNetwork(convs, (0.5, 0.5, 0.5), "max"), "max")
    found = features(PICTURE, tuple(default_style_layers(features.layers)))
    assert [tuple(x.shape[2:]) for x in found.values()] == [
        (64, 80),
        (32, 40),
        (16, 20),
        (8, 10),
        (4, 5),
    ]
