"""What a run leaves in its folder beside checkpoints: losses as CSV, previews as PNG."""

import csv
import math
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from models.generator import Generator
from training.images import to_picture, to_tensor
from training.photographs import Photographs

PREVIEWS = 6
PREVIEW_SIDE = 256


def read_losses(path: Path) -> list[dict[str, str]]:
    """The rows of a losses.csv; none where there is no such file."""
    if not path.is_file():
        return []
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


class LossRecord:
    """losses.csv: one row a step. A resumed training drops the rows after its checkpoint.

    `totals` are the sums of the rows' losses as they are written, the finite ones: alike for a
    resumed and an unbroken training.
    """

    def __init__(self, path: Path, *, resumed_at: int) -> None:
        self.path = path
        self._open(resumed_at)

    def _open(self, step: int) -> None:
        kept = [row for row in read_losses(self.path) if int(row["step"]) <= step]
        self._file = self.path.open("w", newline="")
        self._writer: csv.DictWriter[str] | None = None
        self.totals: list[float] = []
        for row in kept:
            self._write(row)

    def rewind(self, step: int) -> None:
        """Drop the rows after `step`."""
        self._file.close()
        self._open(step)

    def add(self, step: int, losses: dict[str, float]) -> None:
        self._write({"step": step} | {name: f"{loss:.6g}" for name, loss in losses.items()})

    def _write(self, row: dict[str, Any]) -> None:
        if self._writer is None:
            self._writer = csv.DictWriter(self._file, list(row))
            self._writer.writeheader()
        self._writer.writerow(row)
        self._file.flush()
        total = sum(float(value) for name, value in row.items() if name != "step")
        if math.isfinite(total):
            self.totals.append(total)

    def __enter__(self) -> "LossRecord":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


@torch.no_grad()
def write_preview(generator: Generator, photographs: Photographs, path: Path) -> None:
    """Held-out photographs above, painted below, as one PNG strip."""
    columns = []
    for photo in photographs.held_out[1 : 1 + PREVIEWS] or photographs.held_out[:1]:
        side = min(photo.shape[:2])
        square = np.ascontiguousarray(photo[:side, :side])
        square = np.asarray(cv2.resize(square, (PREVIEW_SIDE,) * 2), np.uint8)
        painted = to_picture(generator(to_tensor(square[None]))[0])
        columns.append(np.vstack([square, painted]))
    strip = cv2.cvtColor(np.hstack(columns), cv2.COLOR_RGB2BGR)
    cv2.imwrite(str(path), strip)
