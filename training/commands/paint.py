"""`stylecam paint`: paints one picture by optimisation."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from models.errors import UsageError
from training.commands.painting.options import look_options
from training.commands.shared_options import (
    device_option,
    loss_network_option,
    precision_option,
)
from training.commands.training_extra import require_training_extra
from training.runtime.memory_budget import told_if_memory_runs_out

if TYPE_CHECKING:
    from training.commands.painting.inputs import Inputs
    from training.commands.painting.job import Job
    from training.optimise.objective.features import PaintFeatures
    from training.optimise.settings import PaintSettings
    from training.reporting.live_page import LivePage
    from training.runtime.device import DeviceName
    from training.runtime.precision import Precision


@click.command()
@click.argument("photo", type=click.Path(path_type=Path), metavar="PHOTO")
@click.option(
    "--style",
    multiple=True,
    metavar="PICTURE",
    help="The style picture, or a drawn style's name. Several are mixed; with --mask, each has its "
    "region.",
)
@click.option(
    "--style-weights",
    "-sw",
    metavar="W,W",
    help="Shares of several style pictures; 1,0 is the first alone. [all equal]",
)
@click.option(
    "--mask",
    type=click.Path(path_type=Path),
    metavar="PICTURE",
    help="Regions in flat colours: the darkest gets the first --style, and so on; the style none "
    "keeps the photograph.",
)
@click.option(
    "-o",
    "--output",
    "out",
    required=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The picture to write: .png, .tif, .jpg, .webp; the best so far is there while it works.",
)
@click.option("--preset", metavar="NAME", help="Weights by name; docs/paint.md lists them.")
@look_options
@click.option(
    "--bits",
    type=click.Choice(["8", "16"]),
    help="Bits a channel in FILE. [16 for .tif, else 8]",
)
@loss_network_option()
@precision_option
@device_option
@click.option(
    "--devices",
    metavar="A,B",
    help="Two GPUs that share the loss network, like cuda:0,cuda:1, instead of --device.",
)
@click.option(
    "--max-memory",
    default="80%",
    show_default=True,
    help="Ceiling, like 8G or a share of what is free; a larger picture is painted in parts.",
)
@click.option("--tile", type=click.IntRange(256), help="Paint in parts of so many pixels anyway.")
@click.option(
    "--preview-every",
    type=click.IntRange(1),
    default=25,
    show_default=True,
    help="Iterations after which FILE is written anew.",
)
@click.option(
    "--sweep",
    multiple=True,
    metavar="SETTING=V,V",
    help="Paint every combination, like style_weight=25,50,75; FILE becomes one labelled sheet.",
)
@click.option(
    "--inspect",
    is_flag=True,
    help="Paint what each layer of the loss network sees of PHOTO, on one labelled sheet.",
)
@click.option(
    "--web",
    is_flag=False,
    flag_value=0,
    type=click.IntRange(0, 65535),
    metavar="[PORT]",
    help="Show the picture as it forms, and its losses, on a page of this machine.",
)
@click.option("--force", is_flag=True, help="Replace FILE if it is there already.")
@told_if_memory_runs_out("give a smaller --size, or pictures of fewer pixels")
def paint(
    photo: Path,
    style: tuple[str, ...],
    style_weights: str | None,
    mask: Path | None,
    out: Path,
    preset: str | None,
    bits: str | None,
    loss_network: str,
    precision: "Precision | None",
    device: "DeviceName",
    devices: str | None,
    max_memory: str,
    tile: int | None,
    preview_every: int,
    sweep: tuple[str, ...],
    inspect: bool,
    web: int | None,
    force: bool,
    resolution: float | None,
    **look: Any,
) -> None:
    """Paint one photograph by optimising its pixels: it takes minutes, but nothing paints better.

    Ctrl-C ends it and keeps the best picture so far; the same command goes on from there.

    Example: stylecam paint portrait.jpg --style my-painting.jpg -o painted.png
    """
    require_training_extra("paint")
    from models.pictures import check_output_picture
    from training.commands.painting.inputs import load_inputs
    from training.commands.painting.job import plan_job
    from training.commands.painting.networks import available_memory, paint_features
    from training.commands.painting.sweep import check_sweep, combinations, parse_sweep
    from training.optimise.checkpoint import checkpoint_path

    depth = int(bits) if bits else None
    resumes = checkpoint_path(out).is_file()
    # The sheet of a sweep is made anew from its trials, which are kept.
    check_output_picture(out, overwrite=force or resumes or bool(sweep), bits=depth)
    look["style_shares"] = _numbers("--style-weights", style_weights)
    initial = _initial_picture(look)
    lists = parse_sweep(sweep)
    every = check_sweep(look, preset, combinations(lists))
    _check_what_is_made(bool(style), inspect, bool(lists), web is not None)
    # Of an inspected picture, both are reconstructed from what it is itself.
    inputs = load_inputs(photo, (str(photo),) if inspect else style, mask, initial)
    every = [_at_resolution(x, inputs, resolution, look["size"]) for x in every]
    networks = {
        pooling: paint_features(loss_network, pooling, device, devices, precision)
        for pooling in dict.fromkeys(x.pooling for x in every)
    }
    if inspect:
        features = networks[every[0].pooling]
        _inspect(inputs, out, every[0], features, available_memory(features, max_memory))
        return
    jobs = []
    for settings in every:
        features = networks[settings.pooling]
        available = available_memory(features, max_memory)
        jobs.append(
            plan_job(inputs, settings, features, loss_network, available=available, tile=tile)
        )
    if lists:
        _paint_sweep(out, lists, jobs, preview_every)
        return
    if resumes and not force:
        _require_own_checkpoint(jobs[0], out)
    if web is None:
        _paint(jobs[0], out, preview_every, depth)
    else:
        _paint_watched(jobs[0], out, preview_every, depth, web)


def _check_what_is_made(style: bool, inspect: bool, sweep: bool, web: bool) -> None:
    """Raise UsageError for options that are given, or not, and do not go together."""
    if web and (inspect or sweep):
        raise UsageError("--web: shows one painting; leave out --sweep and --inspect")
    if inspect and sweep:
        raise UsageError("--inspect: of one setting; leave out --sweep")
    if not (style or inspect):
        raise UsageError("--style: give a style picture, or a drawn style's name")


def _inspect(
    inputs: "Inputs",
    out: Path,
    settings: "PaintSettings",
    features: "PaintFeatures",
    available: int | None,
) -> None:
    from models.pictures import write_picture
    from training.commands.painting.inspect import inspect_jobs, inspect_sheet
    from training.commands.painting.job import seconds_needed

    jobs = inspect_jobs(inputs.photo, features, settings, available)
    seconds = len(jobs) / 2 * (seconds_needed(jobs[0]) + seconds_needed(jobs[-1]))
    click.echo(f"{out}: {len(jobs)} paintings, about {_duration(seconds)} together")
    sheet = inspect_sheet(inputs.photo, features, settings, lambda x: click.echo(x, err=True))
    write_picture(out, sheet)
    click.echo(f"{out}: what the loss network sees")


def _numbers(flag: str, text: str | None) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in text.split(",")) if text else ()
    except ValueError:
        raise UsageError(f"{flag} {text!r}: give numbers, like 2,1") from None


def _initial_picture(look: dict[str, Any]) -> str | None:
    """The picture that --init names, if it is not one of the words; then look says "picture"."""
    given = look["init"]
    if given is None or given in ("content", "style", "noise"):
        return None
    look["init"] = "picture"
    return str(given)


def _at_resolution(
    settings: "PaintSettings", inputs: "Inputs", megapixels: float | None, size: int | None
) -> "PaintSettings":
    from training.optimise.scales import side_of_megapixels

    if megapixels is None:
        return settings
    if size is not None:
        raise UsageError("--resolution and --size say the same; give one of them")
    side = side_of_megapixels(inputs.shape, megapixels)
    return settings.model_copy(update={"size": max(64, side)})


def _require_own_checkpoint(job: "Job", out: Path) -> None:
    """Refuse to paint over a picture whose checkpoint is of another painting."""
    from training.optimise.checkpoint import checkpoint_path, read_checkpoint

    path = checkpoint_path(out)
    if read_checkpoint(path, job.digest(), job.features.devices[0]) is None and out.exists():
        raise UsageError(
            f"{out}: exists already, and {path.name} is of a painting with other options; "
            "--force begins anew"
        )


def _paint_sweep(
    out: Path, lists: dict[str, list[str]], jobs: "list[Job]", preview_every: int
) -> None:
    from models.pictures import write_picture
    from training.commands.painting.sweep import run_sweep, trial_path

    sheet = run_sweep(out, lists, jobs, lambda job, path: _paint(job, path, preview_every, 8))
    write_picture(out, sheet)
    click.echo(f"{out}: {len(jobs)} paintings, each in {trial_path(out, {}).parent}")


def _paint_watched(job: "Job", out: Path, preview_every: int, bits: int | None, port: int) -> None:
    """Paint a job while a page shows the picture as it forms."""
    from training.reporting.live_page import LivePage

    with LivePage(out.name, port) as page:
        click.echo(f"watch it at {page.access.url}")
        _paint(job, out, preview_every, bits, page)


def _paint(
    job: "Job", out: Path, preview_every: int, bits: int | None, page: "LivePage | None" = None
) -> None:
    from training.commands.painting.job import run_job, seconds_needed
    from training.commands.painting.view import PaintingView
    from training.runtime.memory_budget import format_bytes

    parts = f", in parts of {job.plan.tile} pixels" if job.plan.tile else ""
    duration, memory = _duration(seconds_needed(job)), format_bytes(job.plan.bytes)
    click.echo(f"{out}: about {duration}{parts}, at most {memory} more memory")
    with PaintingView(out, preview_every, bits, page) as view:
        view.finish(run_job(job, out, on_start=view.start, on_progress=view.show))


def _duration(seconds: float) -> str:
    minutes = seconds / 60
    if minutes < 2:
        return f"{max(1, seconds):.0f} s"
    return f"{minutes:.0f} min" if minutes < 90 else f"{minutes / 60:.0f} hours"
