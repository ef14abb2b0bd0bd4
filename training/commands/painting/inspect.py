"""What the loss network sees of a picture: reconstructions from each layer, on one sheet.

From noise, a picture is painted whose features agree with the picture's at one layer (content),
or whose Gram matrices agree at all layers up to it (style), as in Gatys et al. 2015, figure 1.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

    from training.commands.painting.job import Job
    from training.data.tensors import Picture
    from training.optimise.objective.features import PaintFeatures
    from training.optimise.settings import PaintSettings

LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")


def inspected_layers(features: "PaintFeatures") -> list[str]:
    """The first layer of each block of the network."""
    return [layer for layer in LAYERS if layer in features.layers]


def inspect_settings(
    settings: "PaintSettings", layers: list[str]
) -> "list[tuple[str, str, PaintSettings]]":
    """Kind, layer and settings of each reconstruction: content, then style, fine to deep."""
    plain = {"initial": "noise", "first_size": settings.size, "colours": "style", "enhance": False}
    made = []
    for layer in layers:
        changes = {"style_weight": 0.0, "content_weight": 1.0, "content_layers": {layer: 1.0}}
        made.append(("content", layer, settings.model_copy(update=plain | changes)))
    for number, layer in enumerate(layers, start=1):
        shares = dict.fromkeys(layers[:number], 1.0)
        changes = {"style_weight": 100.0, "content_weight": 0.0, "style_layers": shares}
        made.append(("style", layer, settings.model_copy(update=plain | changes)))
    return made


def inspect_jobs(
    picture: "Tensor", features: "PaintFeatures", settings: "PaintSettings", available: int | None
) -> "list[Job]":
    """What is painted for the sheet of a picture (1, 3, H, W), in order.

    Raises UsageError if one takes more than `available` bytes (None: not known)."""
    from training.commands.painting.inputs import Inputs
    from training.commands.painting.job import plan_job

    inputs = Inputs(picture, [picture], None, None)
    every = inspect_settings(settings, inspected_layers(features))
    # What network it is matters to checkpoints only.
    return [plan_job(inputs, x, features, "", available=available, whole=True) for *_, x in every]


def inspect_sheet(
    picture: "Tensor",
    features: "PaintFeatures",
    settings: "PaintSettings",
    on_each: Callable[[str], None] = lambda _: None,
) -> "Picture":
    """The sheet (H, W, 3) uint8 of a picture (1, 3, H, W): a row of content, a row of style.

    `on_each` is told what is reconstructed next.
    """
    from training.data.tensors import to_picture
    from training.optimise.paint import Painting
    from training.optimise.scales import fit, resized
    from training.reporting.contact_sheet import Tile, tile_sheet

    shape = fit((picture.shape[2], picture.shape[3]), settings.size)
    original = to_picture(resized(picture, shape)[0])
    layers = inspected_layers(features)
    tiles = []
    for kind, layer, given in inspect_settings(settings, layers):
        on_each(f"{kind} of {layer}")
        if layer == layers[0]:
            tiles.append(Tile("the picture", original, (kind,)))
        found = to_picture(Painting(picture, [picture], features, given).run()[0])
        title = layer if kind == "content" or layer == layers[0] else f"{layers[0]} to {layer}"
        tiles.append(Tile(f"{kind}: {title}", found, ()))
    columns = len(layers) + 1
    return np.asarray(tile_sheet(tiles, columns=columns, width=shape[1], height=shape[0]))
