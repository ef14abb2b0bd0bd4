"""`stylecam stylize`: files in, painted files out."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from models.catalogue import find_style, lighter_styles, style_paths
from models.errors import StylecamError, UsageError
from realtime.commands.run import message_console, read_config, run_pipeline
from realtime.config.schema import Config, LimitConfig
from realtime.sources.registry import source_kind

EVERY_STYLE = "all"
VIDEO_SUFFIX = ".mp4"
PICTURE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp"})
"""The formats that we write; a picture in any other format becomes a PNG."""


@dataclass(frozen=True)
class Job:
    """One file to paint in one style."""

    source: Path
    style: str
    target: Path
    is_video: bool

    @property
    def sink(self) -> str:
        return f"{'file' if self.is_video else 'image'}:{self.target}"


@click.command()
@click.argument("inputs", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    "out",
    type=click.Path(path_type=Path),
    metavar="FILE|FOLDER",
    help="A file for one input in one style, else a folder.  [beside each input]",
)
@click.option(
    "--style",
    "styles",
    multiple=True,
    metavar="NAME",
    help="A style, a .onnx file, or all; give several for several.",
)
@click.option("--strength", type=float, help="From 0, the picture itself, to 1, all paint.")
@click.option("--size", metavar="WxH", help="Size of what is written.  [the input's]")
@click.option("--device", help="What the generator runs on.  [auto]")
@click.option("--force", is_flag=True, default=None, help="Replace files that exist.")
@click.option("--config", "config_path", type=click.Path(path_type=Path), metavar="FILE")
def stylize(
    inputs: tuple[Path, ...],
    out: Path | None,
    styles: tuple[str, ...],
    config_path: Path | None,
    **options: Any,
) -> None:
    """Paint pictures, folders of pictures, and videos with their sound.

    Without --output, photo.jpg becomes photo.STYLE.jpg beside it, and clip.mov clip.STYLE.mp4.
    If one input fails, the others are still painted.

    \b
    stylecam stylize holiday.mp4 --style ink-hatching
    stylecam stylize photos/*.jpg --style all -o painted/
    """
    config = read_config(config_path, options)
    names = _style_names(styles, config.style.name)
    jobs = _jobs(list(_files(inputs)), names, out)
    _check_inputs(names, jobs, config)
    with message_console() as console:
        if len(jobs) == 1:
            _paint(jobs[0], config, console)
            return
        failures = [job for job in jobs if not _done(job, config, console)]
        if failures:
            console.print(f"stylecam: {len(failures)} of {len(jobs)} failed", markup=False)
            raise click.exceptions.Exit(1)


def _style_names(wanted: tuple[str, ...], default: str) -> list[str]:
    if EVERY_STYLE in wanted:
        paths = style_paths()
        lighter = lighter_styles(paths)
        return [name for name in paths if name not in lighter]
    return list(dict.fromkeys(wanted)) or [default]


def _check_inputs(styles: list[str], jobs: list[Job], config: Config) -> None:
    """Raise UsageError before the work starts for what would fail in the middle of it."""
    for name in styles:
        find_style(name)
    for job in jobs:
        if job.target.is_file() and not config.recording.overwrite:
            raise UsageError(f"{job.target}: exists already; --force replaces it")


def _files(inputs: tuple[Path, ...]) -> Iterator[Path]:
    """Yields files as they are, and the pictures and videos in folders. Raises UsageError."""
    for path in inputs:
        if not path.exists():
            raise UsageError(f"{path}: no such file")
        if not path.is_dir():
            yield path
            continue
        found = [p for p in sorted(path.iterdir()) if _is_media(p)]
        if not found:
            raise UsageError(f"{path}: no pictures and no videos in this folder")
        yield from found


def _is_media(path: Path) -> bool:
    from realtime.sinks.recording.recorder import CONTAINERS

    if not path.is_file():
        return False
    return path.suffix.lower() in CONTAINERS or source_kind(str(path)) == "image"


def _jobs(files: list[Path], styles: list[str], out: Path | None) -> list[Job]:
    one_file = out is not None and out.suffix != "" and not out.is_dir()
    if one_file and len(files) * len(styles) != 1:
        raise UsageError(
            f"{out}: {len(files) * len(styles)} files cannot go into one; name a folder"
        )
    if out is not None and not one_file:
        try:
            out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"{out}: this folder cannot be made ({error.strerror})") from None
    jobs = []
    for file in files:
        is_video = source_kind(str(file)) == "video"
        for style in styles:
            target = (
                out if one_file and out else (out or file.parent) / _name(file, style, is_video)
            )
            jobs.append(Job(file, style, target, is_video))
    targets = [job.target for job in jobs]
    for job in jobs:
        if targets.count(job.target) > 1:
            raise UsageError(f"{job.target}: two of the inputs would go there; give other names")
    return jobs


def _name(file: Path, style: str, is_video: bool) -> str:
    own = file.suffix.lower()
    suffix = VIDEO_SUFFIX if is_video else (own if own in PICTURE_SUFFIXES else ".png")
    return f"{file.stem}.{Path(style).stem if style.endswith('.onnx') else style}{suffix}"


def _done(job: Job, config: Config, console: Console) -> bool:
    """Paint one file; print the reason and return False if that failed."""
    try:
        _paint(job, config, console)
    except StylecamError as error:
        console.print(f"stylecam: {error}", markup=False)
        return False
    return True


def _paint(job: Job, config: Config, console: Console) -> None:
    """Paint one file, completely and once, and print where it went."""
    wanted = {"input": str(job.source), "loop": False}
    painting = config.model_copy(
        update={
            "source": config.source.model_copy(update=wanted),
            "style": config.style.model_copy(update={"name": job.style}),
            "sinks": [job.sink],
            "limit": LimitConfig(),
        }
    )
    run_pipeline(painting, lambda _: None, console, keys=False)
    click.echo(f"{job.source} -> {job.target}")
