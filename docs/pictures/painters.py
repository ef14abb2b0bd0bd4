"""The painter by optimisation against plain Gatys with L-BFGS, and against one size, at equal time.

    python docs/pictures/painters.py PHOTO STYLE --size 512 -o docs/pictures/painters.jpg

All three get the CPU seconds that `stylecam paint` takes with its defaults, so that other load on
the machine favours none. Prints style and content distance of each, relative to the target's own
size, by plain VGG-16 features that none of them weighs in this way.
"""

import time
from pathlib import Path

import click
import numpy as np
import torch
from torch import Tensor

from models.pictures import write_picture
from training.commands.painting.inputs import load_inputs
from training.data.tensors import to_picture
from training.losses.vgg import LossNetwork
from training.losses.vgg_weights import load_loss_network
from training.optimise.lbfgs import PixelOptimizer
from training.optimise.objective.features import PaintFeatures
from training.optimise.objective.gram import gram_sum
from training.optimise.objective.layers import default_content_layers, default_style_layers
from training.optimise.paint import Painting
from training.optimise.scales import fit, resized
from training.optimise.settings import PaintSettings
from training.reporting.contact_sheet import Tile, tile_sheet
from training.runtime.precision import use_bf16

GATYS_STYLE = 1e6
"""Weight of the style in the widely copied form of Gatys's method (the tutorial of PyTorch): mean
squared errors, Gram matrices divided by all elements of a layer, content 1."""
ENDLESS = 100_000


def grams(features: dict[str, Tensor]) -> dict[str, Tensor]:
    """Gram matrices divided by the elements of their layers."""
    return {layer: gram_sum(values) / values.numel() for layer, values in features.items()}


class Gatys:
    """The plain losses: one size, mean squared errors, as in the tutorial."""

    def __init__(self, network: LossNetwork, content: Tensor, style: Tensor) -> None:
        self.network = network
        style_layers = tuple(default_style_layers(network.layers))
        content_layers = tuple(default_content_layers(network.layers))
        self.layers = (*style_layers, *content_layers)
        with torch.no_grad():
            self.content = network(content, content_layers)
            self.style = grams(network(style, style_layers))

    def __call__(self, pixels: Tensor) -> dict[str, Tensor]:
        found = self.network(pixels, self.layers)
        own = grams(found)
        errors = [(own[x] - self.style[x]).square().mean() for x in self.style]
        kept = [(found[x] - self.content[x]).square().mean() for x in self.content]
        return {
            "style": GATYS_STYLE * torch.stack(errors).sum(),
            "content": torch.stack(kept).sum(),
        }

    @torch.no_grad()
    def distances(self, picture: Tensor) -> tuple[float, float]:
        """Of style and content, each relative to the target's own squared size."""
        found = self.network(picture, self.layers)
        own = grams(found)
        style = [relative(own[x], self.style[x]) for x in self.style]
        content = [relative(found[x], self.content[x]) for x in self.content]
        return sum(style) / len(style), sum(content) / len(content)


def relative(value: Tensor, target: Tensor) -> float:
    return float((value - target).square().sum() / target.square().sum())


class TimeUpError(Exception):
    """The CPU seconds are spent."""


def paint_by_ours(painting: Painting, seconds: float) -> Tensor:
    began = time.process_time()

    def watch(_: object) -> None:
        if time.process_time() - began > seconds:
            raise TimeUpError

    try:
        return painting.run(watch)
    except TimeUpError:
        return painting.picture()


def paint_by_gatys(gatys: Gatys, start: Tensor, seconds: float) -> Tensor:
    descent = PixelOptimizer(start, gatys)
    began = time.process_time()
    while time.process_time() - began < seconds:
        descent.step()
    return descent.best.clamp(0, 1)


@click.command()
@click.argument("photo", type=Path)
@click.argument("style")
@click.option("--size", default=512)
@click.option("--iterations", default=100)
@click.option("--initial-iterations", default=200)
@click.option("-o", "--output", "out", type=Path, required=True)
def compare(
    photo: Path, style: str, size: int, iterations: int, initial_iterations: int, out: Path
) -> None:
    torch.set_num_threads(1)
    network = load_loss_network("vgg16")
    dtype = torch.bfloat16 if use_bf16("auto", torch.device("cpu")) else torch.float32
    inputs = load_inputs(photo, (style,), None, None)
    picture = inputs.styles[0]
    assert picture is not None
    shape = fit(inputs.shape, size)
    content = resized(inputs.photo, shape).clamp(0, 1)
    target = resized(picture, fit((picture.shape[2], picture.shape[3]), size)).clamp(0, 1)
    gatys = Gatys(network, content, target)

    def ours(**changes: int) -> Painting:
        settings = PaintSettings(size=size, **changes)  # type: ignore[arg-type]
        return Painting(
            inputs.photo, inputs.styles, PaintFeatures(network, "max", dtype=dtype), settings
        )

    began = time.process_time()
    found = {
        "stylecam paint": ours(iterations=iterations, initial_iterations=initial_iterations).run()
    }
    seconds = time.process_time() - began
    one_size = ours(first_size=size, initial_iterations=ENDLESS)
    found["the same, one size"] = paint_by_ours(one_size, seconds)
    found["plain Gatys, L-BFGS"] = paint_by_gatys(gatys, content, seconds)

    tiles = [Tile("photograph", to_picture(content[0]), (f"{seconds:.0f} CPU seconds each",))]
    for name, painted in found.items():
        style_distance, content_distance = gatys.distances(painted)
        note = f"style {style_distance:.3f}, content {content_distance:.3f}"
        click.echo(f"{name}: {note}")
        tiles.append(Tile(name, to_picture(painted[0]), (note,)))
    sheet = tile_sheet(tiles, columns=2, width=shape[1], height=shape[0])
    write_picture(out, np.asarray(sheet))


if __name__ == "__main__":
    compare()
