"""Paints one file of `stylecam stylize`, and goes on with a video that was interrupted."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from models.errors import SinkFault, StylecamError
from realtime.commands.batch.jobs import STANDARD, Job
from realtime.config.schema import Config, LimitConfig

if TYPE_CHECKING:
    from realtime.commands.batch.parts import Parts

RunPipeline = Callable[[Config], None]
"""Does the whole run of a config. Raises click's Exit if it is interrupted."""


class Interrupted(Exception):  # noqa: N818  an interruption is not an error
    """The user pressed Ctrl-C while a file was painted."""


@dataclass(frozen=True)
class Painted:
    """One finished file: in how many seconds, and from which one on (0: all of it)."""

    seconds: float
    resumed_at: float = 0.0


def paint(job: Job, config: Config, run: RunPipeline) -> Painted:
    """Paint one file, completely and once. Raises Interrupted, or why it cannot be.

    `config.source` says which part of it. A video that is interrupted, even by a crash, leaves its
    finished parts beside the target; the next call goes on there if nothing else has changed.
    """
    wanted = {"input": str(job.source), "loop": False}
    painting = config.model_copy(
        update={
            "source": config.source.model_copy(update=wanted),
            "style": config.style.model_copy(update={"name": job.style}),
            "limit": LimitConfig(),
        }
    )
    begun = time.monotonic()
    if not job.is_video or not _replaceable(job.target):
        _run(job, painting, job.target, run)
        return Painted(time.monotonic() - begun)
    resumed_at = _paint_video(job, painting, run)
    return Painted(time.monotonic() - begun, resumed_at)


def _replaceable(target: Path) -> bool:
    """Whether it is a file, not standard output, a pipe or a device."""
    return target != STANDARD and (target.is_file() or not target.exists())


def _paint_video(job: Job, config: Config, run: RunPipeline) -> float:
    """A video gets its name only when it is complete. Returns where it went on, in seconds."""
    from realtime.commands.batch.parts import Parts

    parts = Parts(job.target.resolve(), config)  # a link stays a link
    begin = parts.resume()
    with _kept_if_interrupted(parts):
        rest = config.source.model_copy(update={"start": begin})
        _run(job, config.model_copy(update={"source": rest}), parts.path, run)
        if not parts.finish():
            # Another FFmpeg than before wrote the earlier parts: they do not fit.
            parts.discard()
            _run(job, config, parts.path, run)
            parts.finish()
            return 0.0
    return begin - config.source.start


@contextmanager
def _kept_if_interrupted(parts: "Parts") -> Iterator[None]:
    try:
        yield
    except (Interrupted, KeyboardInterrupt, SinkFault):  # of a full disk, room may be made
        if not parts.resumable:
            parts.discard()
        raise
    except BaseException:
        parts.discard()
        raise


def _run(job: Job, config: Config, path: Path, run: RunPipeline) -> None:
    try:
        run(config.model_copy(update={"sinks": [job.sink(path)]}))
    except click.exceptions.Exit:
        raise Interrupted from None
    except StylecamError as error:
        raise type(error)(str(error).replace(str(path), str(job.target))) from None
