"""`stylecam stylize`: files in, painted files out."""

import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, get_args

import click
from rich.console import Console

from models.catalogue import find_style
from realtime.commands.batch.finished import FinishedFiles
from realtime.commands.batch.jobs import (
    STANDARD,
    Job,
    VideoFormat,
    check_targets,
    input_files,
    make_jobs,
    style_names,
)
from realtime.commands.batch.paint import RunPipeline
from realtime.commands.batch.workers import Outcome, at_once, files_at_once, one_by_one
from realtime.commands.run import (
    CODEC_HELP,
    INTERRUPTED,
    message_console,
    read_config,
    run_pipeline,
)
from realtime.config.schema import Config
from realtime.config.video_codecs import CODECS, Codec, check_holds
from realtime.control.state import VIEWS

WORST_CRF = 51


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
@click.option("--start", metavar="TIME", help="Where in a video to begin: 90, 1.5 min, 1:30.")
@click.option("--end", metavar="TIME", help="Where in a video to stop.")
@click.option("--scale", type=float, help="Paint at this fraction of the size, then enlarge.  [1]")
@click.option("--view", type=click.Choice(VIEWS), help="The painting, the original, or both.")
@click.option("--mirror/--no-mirror", default=None, help="Mirror the picture.")
@click.option(
    "--quality",
    type=click.IntRange(1, 100),
    metavar="N",
    help="Of JPEG, WebP and videos, 1 to 100.  [95; videos 67]",
)
@click.option(
    "--format",
    "video_format",
    type=click.Choice(get_args(VideoFormat)),
    help="What videos become, unless --output names a file.  [mp4; gif and webp stay]",
)
@click.option("--codec", type=click.Choice(get_args(Codec)), help=CODEC_HELP)
@click.option("--device", help="What the generator runs on.  [auto]")
@click.option(
    "--at-once",
    type=click.IntRange(1, 64),
    metavar="N",
    help="How many files to paint at a time.  [one for every four cores; on a GPU one]",
)
@click.option("--force", is_flag=True, default=None, help="Replace files that exist.")
@click.option("--config", "config_path", type=click.Path(path_type=Path), metavar="FILE")
def stylize(
    inputs: tuple[Path, ...],
    out: Path | None,
    styles: tuple[str, ...],
    video_format: VideoFormat | None,
    quality: int | None,
    at_once: int | None,
    config_path: Path | None,
    **options: Any,
) -> None:
    """Paint pictures, folders of pictures, animations, and videos with their sound.

    Without --output, photo.jpg becomes photo.STYLE.jpg beside it, and clip.mov clip.STYLE.mp4.
    If one input fails, the others are still painted. After Ctrl-C or a crash, the same command
    goes on where it was, even in the middle of a video.

    \b
    stylecam stylize holiday.mp4 --style ink-hatching
    stylecam stylize photos/*.jpg --style all -o painted/
    stylecam stylize holiday.mp4 --start 1:30 --end 1:40 -o best.gif
    """
    config = _config(config_path, options, quality)
    names = style_names(styles, config.style.name)
    jobs = make_jobs(list(input_files(inputs)), names, out, video_format)
    finished = FinishedFiles(_command(jobs, config))
    left = [job for job in jobs if job.target not in finished]
    for name in names:
        find_style(name)
    for job in left:
        if (suffix := job.target.suffix.lower()) in CODECS:
            check_holds(str(job.target), suffix, config.recording.codec)
    check_targets(left, overwrite=config.recording.overwrite)
    with message_console() as console:
        if len(left) < len(jobs):
            done = len(jobs) - len(left)
            console.print(f"stylecam: {done} of {len(jobs)} were painted before the interruption")
        count = at_once or files_at_once(config, len(left))
        _Batch(left, finished, console).paint(config, min(count, len(left)))


def _config(path: Path | None, options: dict[str, Any], quality: int | None) -> Config:
    """The file's settings and the options; only these say which part of a video is meant."""
    config = read_config(path, options)
    part = {
        "start": config.source.start if options["start"] is not None else 0.0,
        "end": config.source.end if options["end"] is not None else None,
    }
    config = config.model_copy(update={"source": config.source.model_copy(update=part)})
    if quality is None:
        return config
    crf = max(1, round(WORST_CRF * (100 - quality) / 100))
    recording = config.recording.model_copy(update={"quality": quality, "crf": crf})
    return config.model_copy(update={"recording": recording})


def _command(jobs: list[Job], config: Config) -> str:
    """What makes two calls the same command."""
    settings = config.model_dump_json(exclude={"recording": {"overwrite"}})
    files = [f"{job.source.absolute()} {job.style} {job.target.absolute()}" for job in jobs]
    return "\n".join([*files, settings])


class _Batch:
    """All files of one call: paints them, tells of each, and sums up."""

    def __init__(self, jobs: list[Job], finished: FinishedFiles, console: Console) -> None:
        self._jobs, self._finished, self._console = jobs, finished, console
        self._done = self._failed = 0
        self._begun = time.monotonic()

    def paint(self, config: Config, count: int) -> None:
        """Raises click's Exit if anything failed or the user interrupted it."""
        try:
            for outcome in self._outcomes(config, count):
                if outcome.interrupted:
                    self._stop()
                self._tell(outcome)
        except KeyboardInterrupt:
            self._stop()
        self._finished.forget()
        if len(self._jobs) > 1:
            self._sum_up()
        if self._failed:
            raise click.exceptions.Exit(1)

    def _outcomes(self, config: Config, count: int) -> Iterator[Outcome]:
        if count > 1:
            yield from at_once(self._jobs, config, count, _quietly)
            return
        yield from one_by_one(self._jobs, config, partial(_run, console=self._console))

    def _tell(self, outcome: Outcome) -> None:
        job = outcome.job
        if outcome.painted is None:
            if len(self._jobs) == 1:
                assert outcome.error is not None
                raise outcome.error
            self._say("; ".join(str(outcome.error).splitlines()))
            self._failed += 1
            return
        self._finished.add(job.target)
        self._done += 1
        if outcome.painted.resumed_at:
            self._say(f"{job.target}: went on at {outcome.painted.resumed_at:.1f} s")
        click.echo(f"{job.source} -> {job.target}", err=job.target == STANDARD)

    def _stop(self) -> None:
        self._say(
            f"interrupted: {self._done} of {len(self._jobs)} painted, the others are as they "
            "were; the same command goes on"
        )
        raise click.exceptions.Exit(INTERRUPTED)

    def _sum_up(self) -> None:
        failed = f", {self._failed} of {len(self._jobs)} failed" if self._failed else ""
        seconds = time.monotonic() - self._begun
        minutes, rest = divmod(round(seconds), 60)
        took = f"{minutes} min {rest} s" if minutes else f"{seconds:.1f} s"
        self._say(f"{self._done} of {len(self._jobs)} painted{failed}, in {took}")

    def _say(self, text: str) -> None:
        self._console.print(f"stylecam: {text}", markup=False)


def _run(config: Config, *, console: Console) -> None:
    run_pipeline(config, lambda _: None, console)


def _quietly() -> RunPipeline:
    """What paints in a process beside others: without a bar."""
    return partial(_run, console=Console(stderr=True, force_terminal=False, quiet=True))
