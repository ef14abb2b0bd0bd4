import pytest

pytest.importorskip("torch", reason="needs the train extra")

from models.errors import UsageError
from training.losses.vgg import layer_names
from training.optimise.objective.layers import (
    default_content_layers,
    default_style_layers,
    layer_name,
    parse_layer_weights,
    reach,
    stride,
)


@pytest.mark.parametrize("text", ["block5_conv2", "relu5_2", "conv5_2", "Conv5_2 ", "relu_5_2"])
def test_every_spelling_is_the_same_layer(text):
    assert layer_name(text) == "relu5_2"


def test_weights_follow_the_layers():
    assert parse_layer_weights("conv1_1=256,block2_conv1=6.5, relu3_1") == {
        "relu1_1": 256,
        "relu2_1": 6.5,
        "relu3_1": 1,
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("pool4", "'pool4' is no layer"),
        ("relu1_1=1,conv1_1=2", "relu1_1 stands twice"),
        ("relu1_1=x", "'x' in 'relu1_1=x' is not a number"),
        ("relu1_1=-1", "must be 0 or more"),
        ("relu1_1=inf", "and finite"),
        ("relu1_1=0", "at least one weight"),
    ],
)
def test_other_texts_are_refused(text, message):
    with pytest.raises(UsageError, match=message):
        parse_layer_weights(text)


def test_a_network_that_ends_early_has_fewer_default_layers():
    short = layer_names("vgg16")[:9]
    assert list(default_style_layers(short)) == ["relu1_1", "relu2_1", "relu3_1", "relu4_1"]
    assert list(default_style_layers(short, 2)) == ["relu1_1", "relu2_1"]
    assert list(default_style_layers(layer_names("vgg19")).values()) == [256, 64, 16, 4, 1]
    assert default_content_layers(short) == {"relu4_2": 1}
    assert default_content_layers(short[:5]) == {"relu3_1": 1}


def test_reach_grows_with_depth():
    known = layer_names("vgg16")
    assert [stride(x) for x in ("relu1_1", "relu3_2", "relu5_1")] == [1, 4, 16]
    assert reach(["relu1_1"], known) == 1
    assert reach(["relu1_2"], known) == 2
    assert reach(["relu2_1"], known) == 5
    assert reach(["relu4_1"], known) < reach(["relu5_1"], known)
