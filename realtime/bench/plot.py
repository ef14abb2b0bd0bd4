"""Plots the report: milliseconds per frame over the number of pixels, both logarithmic."""

from importlib.util import find_spec
from pathlib import Path

from models.errors import UsageError
from realtime.bench.baselines import BASELINES
from realtime.bench.report import Report

RATES = (30, 60)
"""Frame rates at which a line is drawn: those of a video call and of a screen."""


def check_plotting() -> None:
    """Raise UsageError if matplotlib is missing: before an hour of measuring, not after it."""
    if find_spec("matplotlib") is None:
        raise UsageError("--plot needs matplotlib; pip install 'stylecam[train]', or use --json")


def draw(report: Report, path: Path) -> None:
    """Write the plot as PNG to `path`."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 5.5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for name in dict.fromkeys(r.contender for r in report.generator):
        results = [r for r in report.generator if r.contender == name]
        pixels = [r.width * r.height / 1e6 for r in results]
        medians = [r.timing.median for r in results]
        spread = [
            [r.timing.median - r.timing.p10 for r in results],
            [r.timing.p90 - r.timing.median for r in results],
        ]
        line = "--" if name in BASELINES else "-"
        axes.errorbar(pixels, medians, yerr=spread, fmt=f"o{line}", capsize=3, label=name)
    for rate in RATES:
        axes.axhline(1000 / rate, color="grey", linewidth=0.8, linestyle=":")
        axes.text(
            0.995,
            1000 / rate,
            f"{rate} frames/s ",
            transform=axes.get_yaxis_transform(),
            ha="right",
            va="bottom",
            fontsize=8,
            color="grey",
        )
    sizes = {r.width * r.height / 1e6: f"{r.width}×{r.height}" for r in report.generator}
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xticks(list(sizes), list(sizes.values()))
    axes.minorticks_off()
    axes.set_ylabel("milliseconds a frame (median, p10–p90)")
    axes.set_title(
        f"{report.machine.cpu}, {report.machine.cores} cores\n{report.runtime}", fontsize=10
    )
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)
    figure.savefig(path, dpi=110)
