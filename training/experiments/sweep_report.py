"""Reports a sweep: metrics of each trial as JSON and CSV, and one contact sheet."""

import csv
import io
import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from models.errors import StylecamError
from models.pictures import write_picture
from models.system.atomic_file import write_bytes_atomically
from training.config.recipe import Recipe
from training.data.tensors import Picture, to_square
from training.evaluation.metrics import evaluate
from training.evaluation.model_painter import ModelPainter
from training.experiments.sweep import MODEL, Trial
from training.loop.checkpoint import load_checkpoint
from training.losses.style_target import StyleTarget
from training.losses.vgg import LossNetwork
from training.reporting.contact_sheet import Tile, tile_sheet

SHEET, TABLE, DATA = "sweep.png", "sweep.csv", "sweep.json"
TILE = 256
MOST_COLUMNS = 5
FIGURES = {
    "style": "style {:.3f}",
    "content": "content {:.2f}",
    "total_variation": "TV {:.4f}",
    "warping_synthetic": "warp {:.4f}",
}
"""The figures of the quality report that are shown under a tile, and their format."""


@dataclass(frozen=True)
class TrialResult:
    """A trial with its figures, or with the reason why it failed."""

    trial: Trial
    figures: dict[str, float]
    failure: str | None = None
    from_scratch: bool = False


@dataclass(frozen=True)
class TrialEvaluator:
    """Judges every trial on the same photographs, with the full loss network.

    target: the style target for a recipe; the trials may differ in the style's size.
    """

    photographs: list[Picture]
    network: LossNetwork
    target: Callable[[Recipe], StyleTarget]

    def __call__(self, trial: Trial) -> TrialResult:
        """The figures of a trained trial: computed once, later read from its folder."""
        if trial.result.is_file():
            stored = json.loads(trial.result.read_text())
            return TrialResult(trial, stored["figures"], from_scratch=stored["from_scratch"])
        recipe = load_checkpoint(trial.folder / "checkpoint.pt").recipe
        target = self.target(recipe)
        quality = evaluate(
            ModelPainter(trial.folder / MODEL), self.photographs, self.network, target
        )
        figures = {k: v for k, v in quality.as_dict().items() if math.isfinite(v)}
        stored = {"figures": figures, "from_scratch": not recipe.base}
        write_bytes_atomically(trial.result, json.dumps(stored, indent=1).encode())
        return TrialResult(trial, figures, from_scratch=not recipe.base)


def evaluate_trial(trial: Trial, failure: str | None, judge: TrialEvaluator) -> TrialResult:
    """The result of a trial that has ended; if its evaluation fails, the trial counts as failed."""
    if failure is not None:
        return TrialResult(trial, {}, failure)
    try:
        return judge(trial)
    except StylecamError as error:
        return TrialResult(trial, {}, str(error))


def write_report(
    findings: list[TrialResult], folder: Path, *, style: Picture, photographs: list[Picture]
) -> Path:
    """Write sweep.json, sweep.csv and sweep.png into `folder`; returns the path of the sheet.

    The sheet starts with the style picture and the unstylised photographs; each trial's tile
    shows the same photographs painted.
    """
    rows = json.dumps([_row(finding) for finding in findings], indent=2)
    write_bytes_atomically(folder / DATA, rows.encode())
    write_bytes_atomically(folder / TABLE, _csv(findings).encode())
    sources = [to_square(photo) for photo in photographs]
    tiles = [
        Tile("the style", style, ()),
        Tile("the photographs", np.hstack(sources), ()),
        *(_tile(finding, sources) for finding in findings),
    ]
    width = TILE * len(sources)
    columns = min(MOST_COLUMNS, max(2, math.ceil(math.sqrt(len(tiles)))))
    sheet = tile_sheet(tiles, columns=columns, width=width, height=TILE)
    write_picture(folder / SHEET, sheet)
    return folder / SHEET


def _tile(finding: TrialResult, sources: list[Picture]) -> Tile:
    if finding.failure is not None:
        return Tile(finding.trial.name, None, (f"failed: {finding.failure}",))
    painter = ModelPainter(finding.trial.folder / MODEL)
    figures = "  ".join(text.format(finding.figures[name]) for name, text in FIGURES.items())
    notes = ("from scratch: no base of this architecture",) if finding.from_scratch else ()
    return Tile(finding.trial.name, np.hstack([painter(x) for x in sources]), (figures, *notes))


def _row(finding: TrialResult) -> dict[str, object]:
    trial = finding.trial
    return {
        "name": trial.name,
        "options": dict(trial.values),
        "arguments": list(trial.arguments),
        "folder": str(trial.folder),
        "failure": finding.failure,
        "from_scratch": finding.from_scratch,
        "figures": finding.figures,
    }


def _csv(findings: list[TrialResult]) -> str:
    """One row per trial: its options, figures, failure and folder; missing values are empty."""
    options = list(dict.fromkeys(flag for x in findings for flag, _ in x.trial.values))
    figures = list(dict.fromkeys(name for x in findings for name in x.figures))
    text = io.StringIO()
    writer = csv.DictWriter(text, [*options, *figures, "failure", "folder"])
    writer.writeheader()
    for finding in findings:
        writer.writerow(
            dict(finding.trial.values)
            | finding.figures
            | {"failure": finding.failure or "", "folder": str(finding.trial.folder)}
        )
    return text.getvalue()
