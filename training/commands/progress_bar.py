"""The progress bar of a training: steps, time left, images per second, losses."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from training.reporting.progress import TrainingProgress


@contextmanager
def training_progress_bar(steps: int) -> Iterator[Callable[[TrainingProgress], None]]:
    """Show a bar inside the context; the yielded function takes the progress after every step."""
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar
    from rich.table import Column

    # The losses come last: on a narrow terminal they are cut off, not the bar.
    columns = (
        BarColumn(bar_width=16),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn(
            "{task.description}",
            table_column=Column(ratio=1, no_wrap=True, overflow="ellipsis"),
        ),
    )
    with Bar(*columns, expand=True) as bar:
        task = bar.add_task("preparing the loss network", total=steps)

        def show(progress: TrainingProgress) -> None:
            losses = "  ".join(f"{k} {v:.2f}" for k, v in progress.losses.items())
            text = f"{progress.images_per_second:.1f} images/s  {losses}"
            bar.update(task, completed=progress.step, total=progress.steps, description=text)

        yield show
