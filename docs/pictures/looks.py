"""Paints a sheet of the painter's own looks: one photograph with every preset.

python docs/pictures/looks.py PHOTO STYLE --size 384 -o docs/pictures/looks.jpg
"""

from pathlib import Path

import click
import numpy as np
import torch

from models.pictures import write_picture
from training.commands.painting.inputs import load_inputs
from training.data.tensors import to_picture
from training.losses.vgg_weights import load_loss_network
from training.optimise.objective.features import PaintFeatures
from training.optimise.paint import Painting
from training.optimise.presets import LOOKS
from training.optimise.scales import fit
from training.optimise.settings import PaintSettings
from training.reporting.contact_sheet import Tile, tile_sheet
from training.runtime.precision import use_bf16


@click.command()
@click.argument("photo", type=Path)
@click.argument("style")
@click.option("--size", default=384)
@click.option("--iterations", default=100)
@click.option("--initial-iterations", default=200)
@click.option("-o", "--output", "out", type=Path, required=True)
def looks(
    photo: Path, style: str, size: int, iterations: int, initial_iterations: int, out: Path
) -> None:
    torch.set_num_threads(1)
    dtype = torch.bfloat16 if use_bf16("auto", torch.device("cpu")) else torch.float32
    features = PaintFeatures(load_loss_network("vgg16"), "max", dtype=dtype)
    inputs = load_inputs(photo, (style,), None, None)
    steps = {"iterations": iterations, "initial_iterations": initial_iterations}
    height, width = fit(inputs.shape, size)
    tiles = []
    for name, look in {"default": {}, **LOOKS}.items():
        settings = PaintSettings.model_validate({"size": size} | steps | look)
        painted = Painting(inputs.photo, inputs.styles, features, settings).run()
        tiles.append(Tile(name, to_picture(painted[0]), ()))
        click.echo(name)
        # After each: what is painted stays if it is broken off.
        write_picture(out, np.asarray(tile_sheet(tiles, columns=3, width=width, height=height)))


if __name__ == "__main__":
    looks()
