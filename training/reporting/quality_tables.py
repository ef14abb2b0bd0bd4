"""The quality report as people read it: tables in the terminal."""

import math

import click
from rich.console import Console
from rich.table import Table

from training.evaluation.baseline import Baseline
from training.evaluation.report import ReportRow

COSTS = ("params", "KB", "ms")


def print_report(rows: list[ReportRow]) -> None:
    """Print the rows, and below them what was asked for besides: a clip, faces, optimisation."""
    console = Console()
    console.print(_quality(rows))
    if not math.isnan(rows[0].quality.warping_clip):
        console.print()
        console.print(_warping(rows))
    for row in rows:
        if (kept := row.faces) is not None:
            click.echo(f"{row.name}: {kept.found} of {kept.shown} faces can still be found")
    if found := [(row.name, row.baseline) for row in rows if row.baseline is not None]:
        some = found[0][1]
        console.print(
            f"\nBeside {some.iterations} iterations of optimisation at the same content distance, "
            f"on {some.photographs} photographs:"
        )
        console.print(_baselines(found))


def _quality(rows: list[ReportRow]) -> Table:
    names = ("likeness", "style", "content", "outlines", "warp", "grid", "border", *COSTS)
    table = _table("", *names, padding=(0, 1, 0, 0))  # fits 80 columns
    for row in rows:
        quality = row.quality
        table.add_row(
            row.name,
            f"{quality.likeness:.2f}",
            f"{quality.style:.3f}",
            f"{quality.content:.3f}",
            f"{quality.outlines:.2f}",
            f"{quality.warping_synthetic:.4f}",
            f"{quality.grid:.1f}",
            f"{quality.border:.1f}",
            f"{row.parameters:,}",
            f"{row.kilobytes:.0f}",
            f"{row.milliseconds:.1f}",
        )
    return table


def _warping(rows: list[ReportRow]) -> Table:
    table = _table("warping error of the clip", "generator alone", "as shown live")
    for row in rows:
        quality = row.quality
        table.add_row(row.name, f"{quality.warping_clip:.4f}", f"{quality.warping_shown:.4f}")
    return table


def _baselines(found: list[tuple[str, Baseline]]) -> Table:
    pairs = ("style", "optimised", "ratio", "content", "optimised", "TV", "optimised")
    table = _table("", *pairs, "matched after")
    for name, reached in found:
        table.add_row(
            name,
            f"{reached.model_style:.3f}",
            f"{reached.style:.3f}",
            f"{reached.ratio:.2f}",
            f"{reached.model_content:.3f}",
            f"{reached.content:.3f}",
            f"{reached.model_total_variation:.4f}",
            f"{reached.total_variation:.4f}",
            f"{reached.matched_after:.0f}",
        )
    return table


def _table(title: str, *headings: str, padding: tuple[int, int, int, int] = (0, 1, 0, 1)) -> Table:
    """An empty table: names on the left under `title`, figures to the right."""
    table = Table(box=None, pad_edge=False, padding=padding)
    table.add_column(title)
    for heading in headings:
        table.add_column(heading, justify="right")
    return table
