import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the train extra")

import torch

from training.commands.painting.inspect import inspect_settings, inspect_sheet, inspected_layers
from training.optimise.objective.features import PaintFeatures
from training.optimise.paint import Painting
from training.optimise.scales import resized
from training.optimise.settings import PaintSettings

SETTINGS = PaintSettings(size=64, initial_iterations=30, step_size=0.05, tv_weight=0.1)


@pytest.fixture
def features(loss_network):
    return PaintFeatures(loss_network, "max")


@pytest.fixture
def picture(style_picture):
    return torch.from_numpy(style_picture.copy()).permute(2, 0, 1)[None].float() / 255


def test_each_layer_has_a_reconstruction_of_content_and_of_style(features):
    layers = inspected_layers(features)
    made = inspect_settings(SETTINGS, layers)
    assert [(kind, layer) for kind, layer, _ in made] == [
        *(("content", layer) for layer in layers),
        *(("style", layer) for layer in layers),
    ]
    assert list(made[-1][2].style_layers) == layers


def test_a_fine_layer_shows_the_picture_and_the_style_not_its_places(features, picture):
    (_, _, content), *_, (_, _, style) = inspect_settings(SETTINGS, ["relu1_1", "relu2_1"])
    before = resized(picture, (51, 64))
    off = [
        (Painting(picture, [picture], features, given).run() - before).abs().mean()
        for given in (content, style)
    ]
    assert off[0] < off[1] / 2


def test_the_sheet_has_two_rows(features, picture):
    told = []
    quick = SETTINGS.model_copy(update={"initial_iterations": 1})
    sheet = inspect_sheet(picture, features, quick, told.append)
    layers = inspected_layers(features)
    assert told == [f"{kind} of {layer}" for kind in ("content", "style") for layer in layers]
    assert sheet.shape[1] >= (len(layers) + 1) * 64
    assert sheet.shape[0] >= 2 * 51
    assert len(np.unique(sheet.reshape(-1, 3), axis=0)) > 1000
