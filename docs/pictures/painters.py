"""The painter by optimisation against plain Gatys with L-BFGS, at equal time, on one sheet.

    python docs/pictures/painters.py --photo astronaut --photo coffee --photo chelsea \\
        --style starry_night.jpg --style the_scream.jpg --style poppy_field.jpg \\
        -o docs/pictures/painters.jpg

A row for each photograph (a file, or a picture of scikit-image), two columns for each style.
Gatys gets the CPU seconds that `stylecam paint` took, and the same precision of the loss network.
`--against one-size`: instead, the same losses at one size alone, for as long. Prints the distances
of style and content of each, relative to the target's own size, by plain VGG-16 features in float32
that no painter weighs in this way. What is painted is kept in a folder beside the sheet (`--kept`),
and the same command goes on from there.
"""

import json
import time
from pathlib import Path
from typing import Any

import click
import numpy as np
import skimage.data
import torch
from torch import Tensor

from models.pictures import read_picture, write_picture
from training.commands.painting.inputs import as_tensor, read_style
from training.data.tensors import Picture, to_picture
from training.losses.perceptual import gram_matrix, squared_error
from training.losses.vgg import LossNetwork
from training.losses.vgg_weights import load_loss_network
from training.optimise.lbfgs import PixelOptimizer
from training.optimise.objective.features import PaintFeatures
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
OURS, ONE_SIZE, GATYS = "stylecam paint", "the same, one size", "plain Gatys, L-BFGS"
OTHERS = {"one-size": ONE_SIZE, "gatys": GATYS}
SHOWN = 320
"""Longer side of a tile; a sheet of one pair shows it as painted."""


def grams(features: dict[str, Tensor]) -> dict[str, Tensor]:
    """Gram matrices divided by the elements of their layers."""
    return {x: gram_matrix(values)[0] / values.shape[1] for x, values in features.items()}


class Gatys:
    """The plain losses: one size, mean squared errors, as in the tutorial."""

    def __init__(self, network: LossNetwork, content: Tensor, style: Tensor) -> None:
        self.network = network
        style_layers = tuple(default_style_layers(network.layers))
        content_layers = tuple(default_content_layers(network.layers))
        self.layers = (*style_layers, *content_layers)
        with torch.no_grad():
            self.content = self.features(content, content_layers)
            self.style = grams(self.features(style, style_layers))

    def features(self, picture: Tensor, layers: tuple[str, ...]) -> dict[str, Tensor]:
        return self.network(picture.contiguous(memory_format=torch.channels_last), layers)

    def __call__(self, pixels: Tensor) -> dict[str, Tensor]:
        found = self.features(pixels, self.layers)
        own = grams({x: found[x] for x in self.style})
        errors = [squared_error(own[x], self.style[x]) for x in self.style]
        kept = [squared_error(found[x].float(), self.content[x].float()) for x in self.content]
        return {
            "style": GATYS_STYLE * torch.stack(errors).sum(),
            "content": torch.stack(kept).sum(),
        }

    @torch.no_grad()
    def distances(self, picture: Tensor) -> dict[str, float]:
        """Of style and content, each relative to the target's own squared size."""
        found = self.features(picture, self.layers)
        own = grams({x: found[x] for x in self.style})
        style = [relative(own[x], self.style[x]) for x in self.style]
        content = [relative(found[x], self.content[x]) for x in self.content]
        return {"style": sum(style) / len(style), "content": sum(content) / len(content)}


def relative(value: Tensor, target: Tensor) -> float:
    return float((value - target).square().sum() / target.square().sum())


class TimeUpError(Exception):
    """The CPU seconds are spent."""


def paint_for(painting: Painting, seconds: float) -> Tensor:
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


class Pair:
    """One photograph and one style picture, painted by each painter in turn."""

    def __init__(self, photo: str, style: str, options: dict[str, int]) -> None:
        self.photo = as_tensor(picture_of(photo))
        self.style = as_tensor(read_style(style))
        self.options, side = options, options["size"]
        self.content = resized(self.photo, fit(tuple(self.photo.shape[2:]), side)).clamp(0, 1)
        self.target = resized(self.style, fit(tuple(self.style.shape[2:]), side)).clamp(0, 1)

    def painted(self, network: LossNetwork, other: str) -> dict[str, dict[str, Any]]:
        """By painter, ours and `other`: the picture (H, W, 3) uint8, its distances and the seconds
        it took."""
        bf16 = use_bf16("auto", torch.device("cpu"))
        dtype = torch.bfloat16 if bf16 else torch.float32
        features = PaintFeatures(network, "max", dtype=dtype)

        def ours(**changes: int) -> Painting:
            settings = PaintSettings.model_validate(self.options | changes)
            return Painting(self.photo, [self.style], features, settings)

        began = time.process_time()
        found = {OURS: ours().run()}
        seconds = time.process_time() - began
        if other == ONE_SIZE:
            single = ours(first_size=self.options["size"], initial_iterations=ENDLESS)
            found[other] = paint_for(single, seconds)
        else:
            plain = Gatys(network.in_bf16() if bf16 else network, self.content, self.target)
            found[other] = paint_by_gatys(plain, self.content, seconds)
        judge = Gatys(network, self.content, self.target)
        return {
            name: {"picture": to_picture(x[0]), "seconds": seconds} | judge.distances(x)
            for name, x in found.items()
        }


def picture_of(name: str) -> Picture:
    if Path(name).is_file():
        return read_picture(Path(name))
    return np.asarray(getattr(skimage.data, name)())


def kept(folder: Path, photo: str, style: str) -> dict[str, dict[str, Any]] | None:
    """What was painted before, None if nothing was."""
    stem = folder / f"{Path(photo).stem}-{Path(style).stem}"
    if not (record := stem.with_suffix(".json")).is_file():
        return None
    found: dict[str, dict[str, Any]] = json.loads(record.read_text())
    for number, one in enumerate(found.values()):
        one["picture"] = read_picture(folder / f"{stem.name}-{number}.png")
    return found


def keep(folder: Path, photo: str, style: str, found: dict[str, dict[str, Any]]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    stem = folder / f"{Path(photo).stem}-{Path(style).stem}"
    for number, one in enumerate(found.values()):
        write_picture(folder / f"{stem.name}-{number}.png", one["picture"])
    figures = {name: {k: v for k, v in x.items() if k != "picture"} for name, x in found.items()}
    stem.with_suffix(".json").write_text(json.dumps(figures))


def sheet(photos: tuple[str, ...], styles: tuple[str, ...], folder: Path, side: int) -> Picture:
    """Everything painted so far."""
    tiles = []
    for photo in photos:
        row = {style: kept(folder, photo, style) for style in styles}
        names = next((list(found) for found in row.values() if found), [OURS, GATYS])
        tiles.append(Tile(Path(photo).stem, picture_of(photo), ()))
        for style, found in row.items():
            for name in names:
                one = (found or {}).get(name, {})
                note = "style {style:.3f}, content {content:.2f}".format_map(one) if one else ""
                tiles.append(Tile(f"{name}: {Path(style).stem}", one.get("picture"), (note,)))
    columns = len(tiles) // len(photos)
    shown = side if len(photos) == len(styles) == 1 else SHOWN
    ratio = max(x.picture.shape[0] / x.picture.shape[1] for x in tiles if x.picture is not None)
    height = min(shown, round(shown * ratio))
    return tile_sheet(tiles, columns=min(columns, 7), width=shown, height=height)


@click.command()
@click.option("--photo", "photos", multiple=True, required=True)
@click.option("--style", "styles", multiple=True, required=True)
@click.option("--size", default=512)
@click.option("--iterations", default=100)
@click.option("--initial-iterations", default=200)
@click.option("--against", type=click.Choice(list(OTHERS)), default="gatys")
@click.option("--kept", "folder", type=Path, required=True)
@click.option("-o", "--output", "out", type=Path, required=True)
def compare(
    photos: tuple[str, ...],
    styles: tuple[str, ...],
    size: int,
    iterations: int,
    initial_iterations: int,
    against: str,
    folder: Path,
    out: Path,
) -> None:
    torch.set_num_threads(1)
    network = load_loss_network("vgg16").to(memory_format=torch.channels_last)
    steps = {"iterations": iterations, "initial_iterations": initial_iterations}
    # Along the diagonals: whatever is there when it is broken off shows every picture.
    count = max(len(photos), len(styles))
    pairs = [
        (photos[x], styles[(x + shift) % count])
        for shift in range(count)
        for x in range(len(photos))
        if (x + shift) % count < len(styles)
    ]
    for photo, style in pairs:
        if kept(folder, photo, style) is None:
            found = Pair(photo, style, {"size": size} | steps).painted(network, OTHERS[against])
            keep(folder, photo, style, found)
        for name, one in (kept(folder, photo, style) or {}).items():
            click.echo(
                f"{Path(photo).stem}, {Path(style).stem}, {name}: style {one['style']:.4f}, "
                f"content {one['content']:.3f}, {one['seconds']:.0f} s"
            )
        write_picture(out, sheet(photos, styles, folder, size))


if __name__ == "__main__":
    compare()
