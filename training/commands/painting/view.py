"""What is seen of a painting while it is made: a progress bar, and the file of the best so far."""

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from models.errors import TrainingError

if TYPE_CHECKING:
    from torch import Tensor

    from training.data.tensors import Levels
    from training.optimise.paint import Painting, PaintProgress
    from training.reporting.live_page import LivePage

PICTURE_PERIOD = 2.0
"""Seconds between two pictures on an open page."""


class PaintingView:
    """A progress bar with losses and time left, and the picture's file, written anew after every
    `preview_every` iterations and however the painting ends.

    `bits` a channel; None means 16 for a TIFF, 8 otherwise. `page`: also shows it in a browser.
    """

    def __init__(
        self, out: Path, preview_every: int, bits: int | None, page: "LivePage | None" = None
    ) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
        from rich.progress import Progress as Bar
        from rich.table import Column

        # The losses come last: on a narrow terminal they are cut off, not the bar.
        losses = Column(ratio=1, no_wrap=True, overflow="ellipsis")
        self._bar = Bar(
            BarColumn(bar_width=16),
            MofNCompleteColumn(),
            TextColumn("{task.description}", table_column=losses),
            expand=True,
        )
        self._task = self._bar.add_task("", total=None)
        self._out, self._every, self._page = out, preview_every, page
        self._pictured = float("-inf")
        self._bits = bits or (16 if out.suffix.lower() in (".tif", ".tiff") else 8)
        self._newest: PaintProgress | None = None
        self._painting: Painting | None = None
        self._began, self._before = time.monotonic(), 0.0

    def __enter__(self) -> "PaintingView":
        self._bar.start()
        return self

    def start(self, painting: "Painting", done: int) -> None:
        """The painting begins, or goes on after so many iterations."""
        self._painting = painting
        self._began, self._before = time.monotonic(), painting.work
        if done:
            self._bar.console.print(f"{self._out}: goes on after {done} iterations", markup=False)

    def show(self, progress: "PaintProgress") -> None:
        losses = "  ".join(f"{k} {v:.3f}" for k, v in progress.losses.items())
        height, width = progress.size
        self._bar.update(
            self._task,
            completed=progress.iteration,
            total=progress.iterations,
            description=f"{self._left(progress.work)}  {width}x{height}  {losses}",
        )
        self._newest = progress
        self._tell_page(progress)
        if progress.iteration % self._every == 0:
            self.write(progress)

    def _tell_page(self, progress: "PaintProgress") -> None:
        if self._page is None:
            return
        height, width = progress.size
        row = {
            "iteration": progress.iteration,
            "iterations": progress.iterations,
            "losses": progress.losses,
            "size": f"{width}x{height}",
            "work": progress.work,
            "left": self._left(progress.work),
        }
        self._page.tell(row)
        if self._page.watched and time.monotonic() - self._pictured > PICTURE_PERIOD:
            self._pictured = time.monotonic()
            self._show_on_page(progress.picture())

    def _show_on_page(self, picture: "Tensor") -> None:
        from models.pictures import encode_picture
        from training.data.tensors import to_picture

        if self._page is not None:
            self._page.show(encode_picture(to_picture(picture[0]), ".jpg"))

    def _left(self, work: float) -> str:
        """The time left, from the share of the work done since the start."""
        spent = time.monotonic() - self._began
        seconds = spent / max(work - self._before, 1e-9) * (1 - work)
        return f"{int(seconds) // 60}:{int(seconds) % 60:02d} left"

    def write(self, progress: "PaintProgress") -> None:
        """Write the picture as it is now."""
        from training.commands.painting.job import levels_of

        self._save(levels_of(progress.picture()))

    def finish(self, levels: "Levels") -> None:
        """Write the finished picture."""
        self._save(levels)
        if self._newest is not None:
            self._show_on_page(self._newest.picture())

    def _save(self, levels: "Levels") -> None:
        from models.picture_formats.sixteen_bits import quantized
        from models.pictures import write_picture

        write_picture(self._out, quantized(levels, self._bits), error=TrainingError)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._bar.stop()
        if self._newest is None:
            return
        done = f"{self._newest.iteration} of {self._newest.iterations} iterations"
        if kind is None:
            click.echo(f"{self._out}: painted in {done}")
            return
        try:
            self.write(self._newest)
        except (MemoryError, RuntimeError):
            click.echo(f"{self._out}: holds the last preview", err=True)
            return
        click.echo(
            f"{self._out}: the best of {done} is kept; the same command goes on from there",
            err=True,
        )
