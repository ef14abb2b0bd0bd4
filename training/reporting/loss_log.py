"""The folder of a run, and the CSV file of losses in it."""

import csv
import io
import math
from pathlib import Path
from typing import Any

from models.errors import TrainingError, UsageError
from models.system.atomic_file import write_bytes_atomically


def make_folder(folder: Path) -> None:
    """Make the folder if it is missing. Raises UsageError if that fails."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{folder}: cannot create the folder: {error.strerror}") from None


def read_losses(path: Path) -> list[dict[str, str]]:
    """The rows of a losses.csv; an empty list if there is no such file."""
    if not path.is_file():
        return []
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


class LossLog:
    """losses.csv: one row per step. A resumed training drops the rows after its checkpoint.

    `totals` are the finite sums of each row's losses, taken from the rounded values that are
    written, so that they are the same for a resumed and an unbroken training.
    """

    def __init__(self, path: Path, *, resumed_at: int) -> None:
        self.path = path
        self._open(resumed_at)

    def _open(self, step: int) -> None:
        """Rewrite the file atomically with the rows up to `step`, then open it for appending."""
        kept = [row for row in read_losses(self.path) if int(row["step"]) <= step]
        text = io.StringIO(newline="")
        if kept:
            writer = csv.DictWriter(text, list(kept[0]))
            writer.writeheader()
            writer.writerows(kept)
        write_bytes_atomically(self.path, text.getvalue().encode())
        self._names = list(kept[0]) if kept else []
        self.totals: list[float] = []
        for row in kept:
            self._count(row)
        # Unbuffered: closing the file must not retry a row that failed because the disk is full.
        self._file = self.path.open("ab", buffering=0)

    def rewind(self, step: int) -> None:
        """Drop the rows after `step`."""
        self._file.close()
        self._open(step)

    def add(self, step: int, losses: dict[str, float]) -> None:
        self._write({"step": step} | {name: f"{loss:.6g}" for name, loss in losses.items()})

    def _write(self, row: dict[str, Any]) -> None:
        text = io.StringIO(newline="")
        # The file of an older training may have a column for a loss that no longer exists.
        writer = csv.DictWriter(text, self._names or list(row), restval="0")
        if not self._names:
            writer.writeheader()
            self._names = list(row)
        writer.writerow(row)
        try:
            self._file.write(text.getvalue().encode())
        except OSError as error:
            raise TrainingError(f"{self.path}: cannot be written: {error.strerror}") from None
        self._count(row)

    def _count(self, row: dict[str, Any]) -> None:
        total = sum(float(value) for name, value in row.items() if name != "step")
        if math.isfinite(total):
            self.totals.append(total)

    def __enter__(self) -> "LossLog":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
