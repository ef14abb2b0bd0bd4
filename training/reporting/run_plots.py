"""Pictures of a whole run, drawn at its end: the losses as curves, the previews as one strip."""

import logging
import re
from pathlib import Path

import numpy as np

from models.errors import StylecamError
from models.pictures import read_picture, write_picture
from training.reporting.contact_sheet import contact_sheet
from training.reporting.loss_log import read_losses
from training.reporting.preview import PREVIEW_SIDE

LOGGER = logging.getLogger(__name__)
AVERAGED_SHARE = 0.02
"""Share of the steps over which a curve is averaged; the raw values are drawn pale behind it."""
MOST_PREVIEWS = 8


def plot_run(folder: Path) -> None:
    """Draw both pictures. A failure is only logged: a finished training must not fail for it."""
    for draw in (plot_losses, plot_previews):
        try:
            draw(folder)
        except (OSError, StylecamError) as error:
            LOGGER.warning("%s: a picture of the run is missing: %s", folder, error)


def plot_losses(folder: Path) -> Path | None:
    """Plot losses.csv of a run as losses.png. None without matplotlib (warns) or without rows."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        LOGGER.warning("no losses.png: matplotlib is missing; pip install matplotlib")
        return None
    rows = read_losses(folder / "losses.csv")
    if not rows:
        return None
    steps = np.array([int(row["step"]) for row in rows])
    figure = Figure(figsize=(9, 5), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for number, name in enumerate(name for name in rows[0] if name != "step"):
        values = np.array([float(row[name]) for row in rows])
        if not np.nanmax(values, initial=0) > 0:  # a loss of weight 0: it has no logarithm
            continue
        colour = f"C{number}"
        axes.plot(steps, values, color=colour, alpha=0.2, linewidth=0.7)
        axes.plot(steps, _averaged(values), color=colour, label=name)
    axes.set(yscale="log", xlabel="step", ylabel="loss × weight", title=folder.name)
    axes.grid(alpha=0.3)
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
    path = folder / "losses.png"
    figure.savefig(path)
    return path


def _averaged(values: np.ndarray) -> np.ndarray:
    """The moving average around each step; values that are not finite are left out."""
    width = max(1, round(len(values) * AVERAGED_SHARE)) | 1
    kernel = np.ones(width)
    finite = np.isfinite(values)
    total = np.convolve(np.where(finite, values, 0), kernel, "same")
    return total / np.maximum(np.convolve(finite, kernel, "same"), 1)


def _step_of(preview: Path) -> int:
    return int(re.findall(r"\d+", preview.stem)[0])


def plot_previews(folder: Path) -> Path | None:
    """Write previews.png: the first photograph and its painting over time, side by side.

    Takes up to MOST_PREVIEWS previews, evenly spaced, the last included; None without previews.
    """
    found = sorted(folder.glob("preview_[0-9]*.png"), key=_step_of)
    if not found:
        return None
    chosen = np.unique(np.linspace(0, len(found) - 1, MOST_PREVIEWS).round().astype(int))
    paths = [found[i] for i in chosen]
    sheets = [read_picture(path)[:, :PREVIEW_SIDE] for path in paths]
    pictures = [sheets[0][:PREVIEW_SIDE], *(sheet[PREVIEW_SIDE:] for sheet in sheets)]
    steps = ", ".join(str(_step_of(path)) for path in paths)
    strip = contact_sheet([pictures], [f"photograph; painted at step {steps}"], height=PREVIEW_SIDE)
    path = folder / "previews.png"
    write_picture(path, strip)
    return path
