"""A sweep of paintings: every combination of some settings, in one process, on one sheet."""

import itertools
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from models.errors import UsageError
from training.commands.painting.options import settings_from

if TYPE_CHECKING:
    from training.commands.painting.job import Job
    from training.data.tensors import Picture

Values = dict[str, Any]


def parse_sweep(texts: Iterable[str]) -> dict[str, list[str]]:
    """ "style_weight=25,50" and more as lists by setting. Raises UsageError for another text."""
    lists: dict[str, list[str]] = {}
    for text in texts:
        name, _, values = text.partition("=")
        key = name.strip().removeprefix("--").replace("-", "_")
        found = [value.strip() for value in values.split(",") if value.strip()]
        if not found:
            raise UsageError(f"--sweep {text!r}: write a setting and values, style_weight=25,50,75")
        if key in lists:
            raise UsageError(f"--sweep: {key} stands there twice")
        lists[key] = list(dict.fromkeys(found))
    return lists


def combinations(lists: dict[str, list[str]]) -> list[Values]:
    """All combinations; the last list varies fastest."""
    return [dict(zip(lists, values, strict=True)) for values in itertools.product(*lists.values())]


def check_sweep(look: dict[str, Any], preset: str | None, trials: list[Values]) -> list[Any]:
    """The settings of every trial. Raises UsageError naming a setting or value that cannot be."""
    return [settings_from(look | values, preset) for values in trials]


def trial_path(out: Path, values: Values) -> Path:
    """Where the picture of one trial lies: a folder beside the sheet."""
    name = "_".join(f"{key}-{value}" for key, value in values.items())
    return out.with_name(f"{out.stem}-sweep") / f"{name}.png"


def run_sweep(
    out: Path,
    lists: dict[str, list[str]],
    jobs: list["Job"],
    paint_one: Callable[["Job", Path], None],
) -> "Picture":
    """Paint every trial that is not painted yet; the sheet (H, W, 3) uint8 of all.

    A trial is finished when the digest of its settings and pictures lies beside its picture.
    """
    from models.pictures import read_picture
    from models.system.atomic_file import write_bytes_atomically

    pictures = []
    for values, job in zip(combinations(lists), jobs, strict=True):
        path = trial_path(out, values)
        path.parent.mkdir(exist_ok=True)
        mark = path.with_suffix(".done")
        digest = job.digest().encode()
        if not (path.is_file() and mark.is_file() and mark.read_bytes() == digest):
            paint_one(job, path)
            write_bytes_atomically(mark, digest)
        pictures.append(read_picture(path))
    return sweep_sheet(lists, pictures)


def sweep_sheet(lists: dict[str, list[str]], pictures: "list[Picture]") -> "Picture":
    """The pictures as a grid: the last list across, with a label above each column; the others
    down, with a label for each row."""
    from training.reporting.contact_sheet import Tile, tile_sheet

    *above, across = lists
    columns = len(lists[across])
    rows = combinations({key: lists[key] for key in above})
    tiles = []
    for number, picture in enumerate(pictures):
        row, column = divmod(number, columns)
        title = f"{across} {lists[across][column]}" if row == 0 else ""
        label = ", ".join(f"{key} {value}" for key, value in rows[row].items())
        tiles.append(Tile(title, np.asarray(picture), (label if column == 0 else "",)))
    height, width = pictures[0].shape[:2]
    return tile_sheet(tiles, columns=columns, width=width, height=height)
