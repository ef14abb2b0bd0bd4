"""Reads photographs from folders, single pictures, videos, and installed packages.

Knows no crops and no training.
"""

import importlib.util
import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from models.errors import UsageError
from models.pictures import READ_SUFFIXES, read_picture
from training.data.tensors import Picture, shrink_to
from training.data.video_frames import sample_video
from training.runtime.memory_budget import UNLIMITED, MemoryBudget

LOGGER = logging.getLogger(__name__)
SMALLEST = 16
"""Least shorter side in pixels: anything smaller is an icon or a tracking pixel."""

PACKAGED = "packaged"
"""The name of a source that stands for PACKAGED_FILES."""
PACKAGED_FILES = {
    "matplotlib": ("mpl-data/sample_data/grace_hopper.jpg",),
    "skimage": (
        "data/astronaut.png",
        "data/chelsea.png",
        "data/coffee.png",
        "data/rocket.jpg",
        "data/motorcycle_left.png",
    ),
}
"""Package to its colour photographs of real things, all part of its wheel. Photographs holds out
the first of all."""


@dataclass(frozen=True)
class FoundPhotographs:
    """The usable pictures of a source, (H, W, 3) uint8 RGB, and the number of unusable ones."""

    pictures: list[Picture]
    skipped: int = 0


def find_photographs(
    source: str, short_side: int, memory_budget: MemoryBudget = UNLIMITED
) -> FoundPhotographs:
    """The pictures of a folder and its subfolders, of a video, of one file, or the packaged ones.

    Each is shrunk to a shorter side of at most `short_side`. Raises UsageError for a source that
    is none of these, TrainingError if memory use passes the ceiling.
    """
    if source == PACKAGED:
        return _decode(packaged_paths(), short_side, source, memory_budget)
    path = Path(source)
    if path.is_dir():
        paths = sorted(p for p in path.rglob("*") if p.suffix.lower() in READ_SUFFIXES)
        return _decode(paths, short_side, source, memory_budget)
    if not path.exists():
        raise UsageError(f"{path}: no such folder, video or picture")
    if path.suffix.lower() in READ_SUFFIXES:
        return FoundPhotographs([shrink_to(read_picture(path), short_side)])
    frames, errors = sample_video(path, short_side)
    memory_budget.enforce(f"{source}: reading the photographs")
    return FoundPhotographs(frames, errors)


def packaged_paths() -> list[Path]:
    """The photographs in the packages of the train extra. Raises UsageError if there are none."""
    paths = list(_packaged_paths())
    if not paths:
        raise UsageError(
            "no photographs come with the packages here (scikit-image, matplotlib): "
            "pip install 'stylecam[train]', or give --images DIR"
        )
    return paths


def _packaged_paths() -> Iterator[Path]:
    for package, names in PACKAGED_FILES.items():
        spec = importlib.util.find_spec(package)
        for folder in (spec.submodule_search_locations if spec else None) or ():
            yield from (path for name in names if (path := Path(folder, name)).is_file())


def _decode(
    paths: list[Path], short_side: int, source: str, memory_budget: MemoryBudget
) -> FoundPhotographs:
    loaded = []
    with ThreadPoolExecutor() as pool:
        try:
            for picture in pool.map(partial(_load_or_none, short_side=short_side), paths):
                loaded.append(picture)
                memory_budget.enforce(f"{source}: reading the photographs")
        finally:
            pool.shutdown(cancel_futures=True)
    pictures = [picture for picture in loaded if picture is not None]
    return FoundPhotographs(pictures, len(paths) - len(pictures))


def _load_or_none(path: Path, *, short_side: int) -> Picture | None:
    try:
        picture = read_picture(path)
    except UsageError as error:
        LOGGER.info("%s", error)
        return None
    if min(picture.shape[:2]) < SMALLEST:
        LOGGER.info("%s: smaller than %d pixels", path, SMALLEST)
        return None
    return shrink_to(picture, short_side)
