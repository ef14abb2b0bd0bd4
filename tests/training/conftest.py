from functools import cache

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the train extra")

EXTRAS = ("on_progress", "on_preview", "start", "device", "stopped")
"""Options of `train` itself; all others are fields of a recipe."""

CHANNELS = {
    "relu1_1": 8,
    "relu1_2": 8,
    "relu2_1": 12,
    "relu2_2": 12,
    "relu3_1": 16,
    "relu3_2": 16,
    "relu3_3": 16,
    "relu4_1": 16,
    "relu4_2": 16,
    "relu4_3": 16,
}


def smooth_picture(seed, height=160, width=200):
    """A random picture with shapes of several sizes, uint8 RGB."""
    random = np.random.default_rng(seed)
    picture = np.full((height, width, 3), random.integers(0, 256, 3), np.uint8)
    for _ in range(12):
        centre = (int(random.integers(width)), int(random.integers(height)))
        colour = tuple(int(v) for v in random.integers(0, 256, 3))
        cv2.circle(picture, centre, int(random.integers(6, 50)), colour, -1)
    return cv2.GaussianBlur(picture, (0, 0), 1)


@pytest.fixture
def loss_network():
    """A small trunk with random weights: same layers as VGG, a thousandth of its work."""
    from training.losses.vgg import LossNetwork, TrunkConv

    torch.manual_seed(0)
    convs, before = [], 3
    for layer, channels in CHANNELS.items():
        weight = torch.randn(channels, before, 3, 3) * (2 / (before * 9)) ** 0.5
        convs.append(TrunkConv(layer, weight, torch.zeros(channels)))
        before = channels
    return LossNetwork(convs, (0.5, 0.5, 0.5), "max").eval().requires_grad_(False)


@pytest.fixture(scope="session")
def drawings():
    """The drawn styles, each drawn once at a size: that takes seconds."""
    from training.data.procedural_styles import PROCEDURAL_STYLES

    def remembering(draw):
        once = cache(draw)
        return lambda side, seed: once(side, seed).copy()

    return {name: remembering(draw) for name, draw in PROCEDURAL_STYLES.items()}


@pytest.fixture(autouse=True)
def drawn_once(drawings, monkeypatch):
    """Whoever asks for a drawn style gets the same drawing as the tests before."""
    from training.data.procedural_styles import PROCEDURAL_STYLES

    for name, draw in drawings.items():
        monkeypatch.setitem(PROCEDURAL_STYLES, name, draw)


@pytest.fixture
def style_picture():
    return smooth_picture(99)


@pytest.fixture
def photo_folder(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for seed in range(6):
        cv2.imwrite(str(folder / f"{seed}.png"), smooth_picture(seed)[..., ::-1])
    return folder


@pytest.fixture
def photographs(photo_folder):
    from training.data.photographs import Photographs

    return Photographs(photo_folder)


@pytest.fixture
def small_training(monkeypatch, loss_network, photographs, photo_folder, style_picture):
    """`train` on tiny crops with the tiny loss network: a step takes milliseconds."""
    from training.config.recipe import Recipe
    from training.loop import train as module

    monkeypatch.setattr(module, "prepare_network", lambda recipe, photographs: loss_network)

    def run(folder, **changes):
        options = {
            "style": "test",
            "images": photo_folder,
            "alpha": 0.25,
            "model_size": "fast",
            "options": {"head": "quarter", "blocks": 6},  # paints after a dozen steps
            "stability_every": 1,
            # Gram matrices of random features differ by thousands: losses of the usual size.
            "style_loss": "wasserstein",
            "layer_weights": (5.5,) * 4,
            "content_weight": 0.5,
            "temporal_weight": 450.0,
            "num_images": 24,
            "batch_size": 2,
            "image_size": 64,
            "checkpoint_every": 5,
            "preview_every": 6,
        }
        extra = {k: changes.pop(k) for k in EXTRAS if k in changes}
        recipe = Recipe(**(options | changes))
        return module.train(recipe, [style_picture], photographs, folder, **extra)

    return run
