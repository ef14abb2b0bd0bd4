"""`stylecam train`: makes a style from a picture and a folder of photographs."""

import logging
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from models.errors import UsageError
from models.system.stop_signals import stopping
from training.commands.new_style.install import export_and_install
from training.commands.new_style.options import recipe_options
from training.commands.new_style.recipe import (
    check_before_training,
    load_styles,
    make_recipe,
    parse_options,
    parse_shares,
    starting_point,
    with_styles,
)
from training.commands.new_style.teacher import (
    LIGHT,
    LIGHT_ALPHA,
    load_teacher,
    refuse_without_effect,
    taught_by,
    tell_of_light_form,
)
from training.commands.progress_bar import training_progress_bar
from training.commands.training_extra import require_training_extra
from training.runtime.malloc import keep_freed_memory
from training.runtime.memory_budget import parse_memory_budget

if TYPE_CHECKING:
    from training.loop.checkpoint import Checkpoint
    from training.loop.materials import Materials
    from training.reporting.progress import TrainingProgress
    from training.runtime.device import DeviceName

INTERRUPTED = 130
Work = Callable[..., "Checkpoint | None"]
"""A function that works on a run's folder and returns its new checkpoint, None if unchanged."""


@click.command()
@click.argument("style", nargs=-1, required=True)
@click.option(
    "--images",
    multiple=True,
    metavar="DIR|VIDEO|PICTURE",
    help="Photographs to learn on; a thousand or more is good. May be given several times. "
    "[packaged: the few that come with scikit-image and matplotlib]",
)
@click.option("--name", help="Name of the new style; default: that of the picture.")
@click.option("--title", help="How people read it. [from the name]")
@click.option("--credit", default="", help="Who made the picture, and when.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder of the run: losses, previews, checkpoints. Default: runs/NAME. "
    "A run that was broken off goes on from its last checkpoint.",
)
@click.option("--style-weights", metavar="W,W", help="Shares of several style pictures.")
@recipe_options
@click.option(
    "--repair",
    is_flag=True,
    help="Instead of training on: mend spots and dead areas of the run's last checkpoint by a "
    "short burst at a high rate. Healthy ones are left alone.",
)
@click.option(
    "--tensorboard",
    is_flag=True,
    help="Write losses and previews as event files too, for `tensorboard --logdir runs`.",
)
@click.option(
    "--install/--no-install",
    default=True,
    help="Add the finished style to your own, so that `run --style NAME` finds it.",
)
@click.option("--force", is_flag=True, help="Take the place of a style that has the name already.")
@click.pass_obj
def train(
    materials: "Materials | None",
    style: tuple[str, ...],
    images: tuple[str, ...],
    name: str | None,
    title: str | None,
    credit: str,
    output: Path | None,
    style_weights: str | None,
    fine_tune: str | None,
    teacher: str | None,
    recipe_name: str | None,
    max_memory: str,
    install: bool,
    force: bool,
    repair: bool,
    tensorboard: bool,
    device: "DeviceName",
    **options: Any,
) -> None:
    """Make a style out of one picture (or several) and a folder of photographs.

    STYLE is a picture file, or one of the drawn styles: low-poly, stained-glass, mosaic,
    halftone-comic, woodcut, watercolour, ink-hatching, marbling, neon, pointillism.
    Photographs come from --images: folders, videos (frames spread over them), pictures.

    Example: stylecam train my-painting.jpg --images ~/Pictures
    """
    require_training_extra("train")
    _show_info_messages()
    from training.data.photo_files import PACKAGED
    from training.loop.materials import Materials
    from training.runtime.device import pick_device

    keep_freed_memory()
    if teacher is not None:
        refuse_without_effect(options | {"recipe_name": recipe_name})
        options["alpha"] = options["alpha"] or LIGHT_ALPHA
    guide = load_teacher(teacher) if teacher else None
    options = parse_options(options, recipe_name)
    limit, on = parse_memory_budget(max_memory), pick_device(device)
    start = starting_point(fine_tune, options)
    usual = taught_by(guide.card) if guide else None
    recipe = make_recipe(style, images or (PACKAGED,), start, options, usual)
    sources = load_styles(style, recipe)
    shares = parse_shares(style_weights, len(sources))
    pictures = [source.picture for source in sources]
    recipe = with_styles(recipe, sources, shares if style_weights else None)
    usual_name = LIGHT.format(guide.card.name) if guide else "-".join(x.name for x in sources)
    chosen = name or usual_name
    folder = output or Path("runs") / chosen
    check_before_training(
        recipe, start, chosen, folder, repair=repair, install=install and not force
    )
    work = _repairing(folder) if repair else _training(start, folder, tensorboard)
    shared = materials or Materials()
    photographs = shared.photographs(recipe, limit)
    with training_progress_bar(recipe.steps) as show:
        made = work(
            recipe,
            pictures,
            photographs,
            folder,
            style_weights=shares,
            teacher=guide.generator if guide else None,
            network_for=shared.network,
            fit_batch=options["batch_size"] is None,
            memory_budget=limit,
            device=on,
            on_progress=show,
        )
    if made is not None and not made.finished and not repair:
        _end_interrupted(made, folder)
    if made is not None and made.finished:
        export_and_install(
            folder,
            chosen,
            photographs.held_out,
            pictures,
            shares,
            title=title,
            credit=credit,
            install=install,
        )
        if guide and install and not tell_of_light_form(guide.card, chosen):
            click.echo(
                f"{guide.card.path} is not in your folder of styles and keeps its card: "
                f"choose {chosen} itself where it is wanted"
            )


def _end_interrupted(made: "Checkpoint", folder: Path) -> None:
    """Say where the training stopped, and end with the exit code of an interruption."""
    from training.loop.train import CHECKPOINT

    saved = f"saved in {folder / CHECKPOINT}; the same command goes on there"
    if made.step == 0:
        saved = "nothing was learned yet"
    end = made.end or made.recipe.steps
    click.echo(f"stylecam: interrupted at step {made.step} of {end}: {saved}", err=True)
    raise click.exceptions.Exit(INTERRUPTED)


def _show_info_messages() -> None:
    """Show the training's information messages too; `stylecam` shows only warnings by default."""
    logging.basicConfig(format="%(message)s")
    logging.getLogger("training").setLevel(logging.INFO)


def _training(start: "Checkpoint | None", folder: Path, tensorboard: bool) -> Work:
    """A function that trains to the end, and writes event files if `tensorboard`.

    Ctrl-C lets it save a checkpoint after the step; a second one ends it at once.
    """
    from training.loop.train import train as run_training
    from training.reporting.tensorboard import TensorBoardWriter

    weights = start.average if start else None

    def stoppable(*given: Any, **options: Any) -> Any:
        interrupted = threading.Event()
        with stopping(interrupted.set):
            return run_training(*given, start=weights, stopped=interrupted.is_set, **options)

    if not tensorboard:
        return stoppable
    events = TensorBoardWriter(folder)

    def work(*given: Any, on_progress: "Callable[[TrainingProgress], None]", **options: Any) -> Any:
        def tell(progress: "TrainingProgress") -> None:
            on_progress(progress)
            events.add_progress(progress)

        with closing(events):
            return stoppable(*given, on_progress=tell, on_preview=events.add_preview, **options)

    return work


def _repairing(folder: Path) -> Work:
    """The function that repairs the run in `folder`. Raises UsageError if there is no run."""
    from training.loop.repair import repair
    from training.loop.train import CHECKPOINT

    if not (folder / CHECKPOINT).is_file():
        raise UsageError(f"--repair: {folder}: no run with a checkpoint; train first")
    return repair
