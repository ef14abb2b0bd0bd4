"""`stylecam paint`: paints one picture by optimisation."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from pydantic import ValidationError

from models.errors import UsageError
from training.commands.layer_option import parse_layers
from training.commands.shared_options import device_option, loss_network_option
from training.commands.training_extra import require_training_extra

if TYPE_CHECKING:
    from training.config.recipe import Recipe
    from training.optimise.paint import PaintProgress
    from training.runtime.device import DeviceName

DEFAULTS: dict[str, Any] = {
    "gram": "image",
    "content_weight": 1.0,
    "content_start": 1.0,
    "temporal_weight": 0.0,
    "two_scales": False,
}
"""Options whose defaults differ from those of a training; docs/training.md shows why."""


@click.command()
@click.argument("photo", type=click.Path(path_type=Path), metavar="PHOTO")
@click.option(
    "--style",
    required=True,
    metavar="PICTURE",
    help="Style picture, or the name of a procedural style.",
)
@click.option(
    "-o",
    "--output",
    "out",
    required=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Picture to write (.png, .jpg, .webp); updated with the best result so far.",
)
@click.option("--iterations", type=click.IntRange(1), default=300, show_default=True)
@click.option(
    "--size",
    type=click.IntRange(64),
    default=512,
    show_default=True,
    help="Longer side of the painting; a smaller photograph stays as it is.",
)
@click.option(
    "--style-scale",
    type=float,
    help="Size of the style's patterns: at 1 its picture is as large as the painting. [1]",
)
@click.option("--content-weight", type=float, help="[1]")
@click.option("--style-weight", type=float, help="[18]")
@click.option("--tv-weight", type=float, help="Total variation: smoother when larger. [1]")
@click.option(
    "--style-loss",
    type=click.Choice(["gram", "wasserstein"]),
    help="Gram matrices, or the Wasserstein distance of the features' Gaussians. [wasserstein]",
)
@click.option(
    "--layers",
    metavar="LAYER=W,LAYER=W",
    help="Layers of the style loss and their shares, like relu1_2=1,relu2_2=0.5.",
)
@click.option(
    "--keep-colours", is_flag=True, help="Keep the photograph's colours; transfer luminance only."
)
@loss_network_option(default=None)
@device_option
@click.option(
    "--preview-every",
    type=click.IntRange(1),
    default=25,
    show_default=True,
    help="Update FILE every N iterations.",
)
@click.option("--force", is_flag=True, help="Overwrite an existing FILE.")
def paint(
    photo: Path,
    style: str,
    out: Path,
    iterations: int,
    size: int,
    keep_colours: bool,
    device: "DeviceName",
    preview_every: int,
    force: bool,
    **options: Any,
) -> None:
    """Paint one photograph by optimising its pixels: it takes minutes, but nothing paints better.

    Ctrl-C ends it and keeps the best picture so far.

    Example: stylecam paint portrait.jpg --style my-painting.jpg -o painted.png
    """
    require_training_extra("paint")
    from models.pictures import check_output_picture, read_picture
    from training.config.recipe import STYLE_SIDE
    from training.data.style_image import load_style_image
    from training.losses.vgg_weights import load_loss_network
    from training.optimise.paint import paint as optimise
    from training.runtime.device import pick_device

    check_output_picture(out, overwrite=force)
    on = pick_device(device)
    recipe = _recipe(style, photo, options)
    scale = recipe.style_scale * size / STYLE_SIDE
    picture, source = read_picture(photo), load_style_image(style, scale=scale)
    network = load_loss_network(recipe.loss_network, recipe.pooling).to(on)
    with _PaintingView(out, iterations, preview_every) as easel:
        optimise(
            picture,
            source.picture,
            network,
            recipe,
            size=size,
            iterations=iterations,
            keep_colours=keep_colours,
            on_progress=easel.show,
        )


def _recipe(style: str, photo: Path, options: dict[str, Any]) -> "Recipe":
    from training.config.recipe import Recipe

    if (layers := options.pop("layers")) is not None:
        options |= parse_layers(layers, options["loss_network"])
    given = DEFAULTS | {key: value for key, value in options.items() if value is not None}
    try:
        return Recipe.model_validate({"style": style, "images": (str(photo),), **given})
    except ValidationError as error:
        first = error.errors()[0]
        flag = "--" + str(first["loc"][0]).replace("_", "-")
        raise UsageError(f"{flag}: {first['msg']}, not {first['input']!r}") from None


class _PaintingView:
    """A progress bar, and the file of the best picture so far, written however painting ends."""

    def __init__(self, out: Path, iterations: int, preview_every: int) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bar
        from rich.table import Column

        # The losses come last: on a narrow terminal they are cut off, not the bar.
        losses = Column(ratio=1, no_wrap=True, overflow="ellipsis")
        self._bar = Bar(
            BarColumn(bar_width=16),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.description}", table_column=losses),
            expand=True,
        )
        self._task = self._bar.add_task("", total=iterations)
        self._out, self._every = out, preview_every
        self._newest: PaintProgress | None = None

    def __enter__(self) -> "_PaintingView":
        self._bar.start()
        return self

    def show(self, progress: "PaintProgress") -> None:
        losses = "  ".join(f"{k} {v:.3f}" for k, v in progress.losses.items())
        height, width = progress.shape
        self._bar.update(
            self._task, completed=progress.iteration, description=f"{width}x{height}  {losses}"
        )
        self._newest = progress
        if progress.iteration % self._every == 0:
            self._save(progress)

    def _save(self, progress: "PaintProgress") -> None:
        from models.pictures import write_picture

        write_picture(self._out, progress.picture())

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._bar.stop()
        if self._newest is None:
            return
        self._save(self._newest)
        done = f"{self._newest.iteration} of {self._newest.iterations} iterations"
        if kind is None:
            click.echo(f"{self._out}: painted in {done}")
        else:
            click.echo(f"{self._out}: the best of {done} is kept", err=True)
