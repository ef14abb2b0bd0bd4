"""`stylecam evaluate`: the quality report."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from models.catalogue import find_style
from models.errors import UsageError
from training.commands.new_style.recipe import parse_shares
from training.commands.shared_options import loss_network_option
from training.commands.training_extra import require_training_extra

if TYPE_CHECKING:
    from rich.console import Console

    from training.data.photographs import Photographs
    from training.data.tensors import Picture


@click.command()
@click.argument("models", nargs=-1, required=True, metavar="STYLE|FILE.onnx...")
@click.option(
    "--style",
    "pictures",
    required=True,
    multiple=True,
    metavar="PICTURE",
    help="Style picture (or procedural style) to compare with; repeat it if there are several.",
)
@click.option("--style-weights", metavar="W,W", help="Shares of several style pictures.")
@click.option(
    "--images",
    required=True,
    multiple=True,
    metavar="DIR|VIDEO|PICTURE",
    help="Photographs to evaluate on, preferably not the training set.",
)
@click.option(
    "--count",
    type=click.IntRange(1),
    default=16,
    show_default=True,
    help="Number of photographs.",
)
@click.option(
    "--all/--held-out",
    "every",
    default=False,
    help="Use any photographs, or the one in 40 that a training on them holds out.  [held-out]",
)
@click.option(
    "--clip",
    type=click.Path(path_type=Path),
    metavar="VIDEO",
    help="Video clip for the warping error.",
)
@click.option(
    "--faces",
    multiple=True,
    metavar="DIR|PICTURE",
    help="Photographs of people: count the faces that can still be found in the paintings.",
)
@click.option(
    "--clip-frames",
    type=click.IntRange(2),
    default=24,
    show_default=True,
    help="Number of frames of --clip.",
)
@click.option(
    "--style-scale",
    type=click.FloatRange(0, 4, min_open=True),
    default=1.0,
    show_default=True,
    help="Size of the style's patterns, as in the training.",
)
@loss_network_option()
@click.option(
    "--baseline",
    is_flag=True,
    help="Compare with pixel optimisation, which takes minutes per photograph.",
)
@click.option(
    "--baseline-count",
    type=click.IntRange(1),
    default=4,
    show_default=True,
    help="Number of photographs for --baseline.",
)
@click.option(
    "--baseline-iterations",
    type=click.IntRange(1),
    default=300,
    show_default=True,
    help="Iterations per photograph for --baseline.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
@click.option("--keep", is_flag=True, help="Write the figures into each style's card.")
def evaluate(
    models: tuple[str, ...],
    pictures: tuple[str, ...],
    style_weights: str | None,
    images: tuple[str, ...],
    count: int,
    every: bool,
    clip: Path | None,
    faces: tuple[str, ...],
    clip_frames: int,
    style_scale: float,
    loss_network: str,
    baseline: bool,
    baseline_count: int,
    baseline_iterations: int,
    as_json: bool,
    keep: bool,
) -> None:
    """Evaluate styles: style and content distance, temporal stability, artefacts, and cost.

    Distances are relative squared errors (0 is best; the unstylised photographs are the
    reference). Warping errors are the RMS change between motion-compensated frames. Grid and
    border are artefacts of the architecture, in levels of 255 (1 and 3 are visible).

    Example: stylecam evaluate ink-hatching --style ink-hatching --images ~/Pictures
    """
    require_training_extra("evaluate")
    from rich.console import Console

    from training.data.photographs import Photographs
    from training.data.style_image import load_style_image
    from training.evaluation.card_report import keep_in_card
    from training.evaluation.metrics import read_clip, style_target_of
    from training.evaluation.report import report
    from training.losses.vgg_weights import load_loss_network
    from training.reporting.quality_tables import print_report

    paths = [find_style(name).path for name in models]
    frames = read_clip(clip, clip_frames) if clip else None
    shares = parse_shares(style_weights, len(pictures))
    styles = [load_style_image(picture, scale=style_scale).picture for picture in pictures]
    console = Console(stderr=True)
    photographs = _judged(Photographs(*images, warn=False), count, every, console)
    portraits = _portraits(faces) if faces else None
    network = load_loss_network(loss_network)
    target = style_target_of(network, styles, shares)
    with console.status("") as status:
        rows = report(
            paths,
            photographs,
            network,
            target,
            frames,
            optimised=baseline_count if baseline else 0,
            iterations=baseline_iterations,
            portraits=portraits,
            on_row=lambda name: status.update(f"judging {name}"),
        )
    if keep:
        for path, row in zip(paths, rows[1:], strict=True):
            keep_in_card(path, row.quality)
    if as_json:
        dicts = [row.as_dict() | {"photographs": len(photographs)} for row in rows]
        click.echo(json.dumps(dicts, indent=2))
    else:
        print_report(rows)


def _judged(
    photographs: "Photographs", count: int, every: bool, console: "Console"
) -> "list[Picture]":
    """The photographs to judge on; prints a note if there are fewer than `count`."""
    held_out = photographs.held_out
    some = [*held_out, *photographs.training] if every else held_out
    if len(some) < count:
        have = len(held_out) + len(photographs.training)
        remedy = "" if every else f"; --all takes any of the {have}"
        console.print(f"judging on {len(some)} photographs, not {count}{remedy}", markup=False)
    return some[:count]


def _portraits(sources: tuple[str, ...]) -> "list[Picture]":
    """All pictures of the sources, whole. Raises UsageError if there are none."""
    from training.data.photo_files import find_photographs
    from training.data.photographs import SHORT_SIDE

    found = [x for source in sources for x in find_photographs(source, SHORT_SIDE).pictures]
    if not found:
        raise UsageError(f"--faces {' '.join(sources)}: no pictures in it")
    return found
