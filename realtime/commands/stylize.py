"""`stylecam stylize`: files in, painted files out."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from models.catalogue import find_style, lighter_styles, style_paths
from models.errors import StylecamError, UsageError
from models.pictures import WRITTEN_SUFFIXES
from realtime.commands.run import INTERRUPTED, message_console, read_config, run_pipeline
from realtime.commands.unfinished import finished_before, remember_finished
from realtime.config.schema import Config, LimitConfig
from realtime.sinks.image_file import escaped
from realtime.sources.registry import source_kind

EVERY_STYLE = "all"
VIDEO_SUFFIX = ".mp4"
STANDARD = Path("-")
"""Standard input or output."""


@dataclass(frozen=True)
class Job:
    """One file to paint in one style."""

    source: Path
    style: str
    target: Path
    is_video: bool

    def sink(self, path: Path) -> str:
        """The sink that writes to `path`, in which a % is no more than that."""
        return f"file:{path}" if self.is_video else f"image:{escaped(path)}"


class Interrupted(Exception):  # noqa: N818  an interruption is not an error
    """The user pressed Ctrl-C while a file was painted."""


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
    before = finished_before()
    left = [job for job in jobs if job.target not in before]
    _check_inputs(names, left, config)
    with message_console() as console:
        if len(left) < len(jobs):
            done = len(jobs) - len(left)
            console.print(f"stylecam: {done} of {len(jobs)} were painted before the interruption")
        _paint_all(left, before, config, console)


def _paint_all(jobs: list[Job], before: set[Path], config: Config, console: Console) -> None:
    """Paint every job; what an interruption leaves for the same command is remembered."""
    done, failed = [*before], 0
    try:
        for job in jobs:
            try:
                _paint(job, config, console)
                done.append(job.target)
            except StylecamError as error:
                if len(jobs) == 1:
                    raise
                console.print(f"stylecam: {error}", markup=False)
                failed += 1
    except (KeyboardInterrupt, Interrupted):
        remember_finished(done)
        finished = len(done) - len(before)
        console.print(
            f"stylecam: interrupted: {finished} of {len(jobs)} painted, the others are as they "
            "were; the same command goes on",
            markup=False,
        )
        raise click.exceptions.Exit(INTERRUPTED) from None
    remember_finished([])
    if failed:
        console.print(f"stylecam: {failed} of {len(jobs)} failed", markup=False)
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
        if not job.target.is_file():
            continue
        if job.source.is_file() and job.target.samefile(job.source):
            raise UsageError(f"{job.target}: is the source itself; give another name")
        if not config.recording.overwrite:
            raise UsageError(f"{job.target}: exists already; --force replaces it")


def _files(inputs: tuple[Path, ...]) -> Iterator[Path]:
    """Yields files as they are, and the pictures and videos in folders. Raises UsageError."""
    for path in inputs:
        if path != STANDARD and not path.exists():
            raise UsageError(f"{path}: no such file")
        if not path.is_dir():
            yield path
            continue
        media = [p for p in sorted(path.iterdir()) if _is_media(p)]
        found = [p for p in media if not _is_own_output(p, media)]
        if not found:
            raise UsageError(f"{path}: no pictures and no videos in this folder")
        yield from found


def _is_media(path: Path) -> bool:
    from realtime.sources.decoding.file_kind import VIDEO_SUFFIXES, file_kind

    if not path.is_file() or path.name.startswith("."):
        return False
    return path.suffix.lower() in VIDEO_SUFFIXES or file_kind(path) != "video"


def _is_own_output(path: Path, media: list[Path]) -> bool:
    """Whether it is what painting another file of the folder writes: photo.STYLE.jpg."""
    stem, dot, style = path.stem.rpartition(".")
    return bool(dot) and style in style_paths() and any(p.stem == stem for p in media)


def _jobs(files: list[Path], styles: list[str], out: Path | None) -> list[Job]:
    one_file = out is not None and (out == STANDARD or out.suffix != "") and not out.is_dir()
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
        is_video = source_kind(str(file)) != "image"
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
    suffix = VIDEO_SUFFIX if is_video else (own if own in WRITTEN_SUFFIXES else ".png")
    stem = "stdin" if file == STANDARD else file.stem
    return f"{stem}.{Path(style).stem if style.endswith('.onnx') else style}{suffix}"


def _paint(job: Job, config: Config, console: Console) -> None:
    """Paint one file, completely and once, and print where it went. Raises Interrupted."""
    wanted = {"input": str(job.source), "loop": False}
    with _unfinished(job) as path:
        painting = config.model_copy(
            update={
                "source": config.source.model_copy(update=wanted),
                "style": config.style.model_copy(update={"name": job.style}),
                "sinks": [job.sink(path)],
                "limit": LimitConfig(),
            }
        )
        try:
            run_pipeline(painting, lambda _: None, console)
        except click.exceptions.Exit:
            raise Interrupted from None
        except StylecamError as error:
            raise type(error)(str(error).replace(str(path), str(job.target))) from None
    click.echo(f"{job.source} -> {job.target}", err=job.target == STANDARD)


@contextmanager
def _unfinished(job: Job) -> Iterator[Path]:
    """Where to write: a video gets its name only when it is complete. Pictures are whole anyway."""
    target = job.target
    if not job.is_video or target == STANDARD or (target.exists() and not target.is_file()):
        yield target
        return
    target = target.resolve()  # a link stays a link
    path = target.with_name(f".unfinished-{target.name}")
    try:
        yield path
        if path.is_file():
            path.replace(target)
    finally:
        path.unlink(missing_ok=True)
