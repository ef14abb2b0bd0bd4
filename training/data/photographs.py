"""Photographs for training: loaded from their sources, some held out, cut into augmented crops.

Every batch is a pure function of seed and step, so a resumed training sees exactly the pictures
that an unbroken one would have seen.
"""

import logging
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from models.errors import TrainingError
from models.pictures import READ_SUFFIXES
from training.data.augment import CropShape, random_crop, random_variation
from training.data.photo_files import PACKAGED, find_photographs
from training.data.tensors import Picture, to_tensor
from training.runtime.memory_budget import UNLIMITED, MemoryBudget

LOGGER = logging.getLogger(__name__)
SHORT_SIDE = 400
"""Photographs are shrunk to this shorter side: usual crops are far smaller, memory is limited."""
HELD_OUT_EVERY = 40
FEW = 200


class Photographs:
    """All usable pictures of some sources, in memory; some are held out for previews and reports.

    `skipped`: how many pictures, or frames of videos, could not be used.
    """

    def __init__(
        self,
        *sources: str | Path,
        short_side: int = SHORT_SIDE,
        memory_budget: MemoryBudget = UNLIMITED,
        warn: bool = True,
    ) -> None:
        """Read the sources: each a folder, a video, a picture, or "packaged".

        Larger pictures are shrunk to `short_side`. `warn`: log a warning if they are too few to
        train on. Raises UsageError for a source that is none of these, TrainingError if there
        are no pictures or they take more memory than the ceiling allows.
        """
        pictures: list[Picture] = []
        self.skipped = 0
        for source in map(str, sources):
            found = find_photographs(source, short_side, memory_budget)
            if found.skipped:
                LOGGER.warning("%s: skipped %d unreadable pictures", source, found.skipped)
            pictures += found.pictures
            self.skipped += found.skipped
        named = ", ".join(map(str, sources))
        if not pictures:
            raise TrainingError(f"{named}: no pictures in it ({', '.join(READ_SUFFIXES)})")
        if warn and len(pictures) < FEW:
            _warn_of_few(named, len(pictures))
        self.training, self.held_out = hold_out(pictures)

    def batch(self, *, seed: int, step: int, batch_size: int, size: CropShape) -> Tensor:
        """The crops of one step: (B, 3, *size) float 0..1, all varied at random."""
        return to_tensor(self._crops(seed, step, batch_size, size))

    def _crops(self, seed: int, step: int, batch_size: int, size: CropShape) -> NDArray[np.uint8]:
        """The same as (B, *size, 3) uint8 RGB, made without torch."""
        random = np.random.default_rng([seed, step])
        chosen = random.integers(len(self.training), size=batch_size)
        return np.stack(
            [random_variation(random_crop(self.training[i], size, random), random) for i in chosen]
        )

    def batches(
        self, *, seed: int, start: int, batch_size: int, size: CropShape
    ) -> Generator[Tensor, None, None]:
        """Endless batches from step `start` on; the next one is prepared while one is in use.

        The thread that prepares it must not compute with torch: OpenMP then gives it threads of
        its own, and with more of them than cores, each sleeps at every barrier instead of
        spinning. A training on two cores took a quarter longer so.
        """
        with ThreadPoolExecutor(max_workers=1) as pool:
            step = start
            coming = pool.submit(self._crops, seed, step, batch_size, size)
            while True:
                ready = coming.result()
                step += 1
                coming = pool.submit(self._crops, seed, step, batch_size, size)
                yield to_tensor(ready)


def _warn_of_few(named: str, count: int) -> None:
    if named == PACKAGED:
        LOGGER.warning(
            "only %d photographs come with scikit-image and matplotlib: the style may fail on what "
            "they do not show; give --images DIR with %d or more",
            count,
            FEW,
        )
        return
    LOGGER.warning(
        "%s: only %d pictures; the style may fail on what they do not show (%d is good)",
        named,
        count,
        5 * FEW,
    )


def hold_out(pictures: list[Picture]) -> tuple[list[Picture], list[Picture]]:
    """The pictures to train on, and those held out: every HELD_OUT_EVERY-th, from the first on.

    Of one or two pictures only the last third of the first, along its longer side, is held out.
    """
    if len(pictures) > 2:
        training = [p for i, p in enumerate(pictures) if i % HELD_OUT_EVERY]
        return training, pictures[::HELD_OUT_EVERY]
    first, *others = pictures
    longer = int(first.shape[1] >= first.shape[0])
    kept, cut_off = np.array_split(first, [first.shape[longer] * 2 // 3], axis=longer)
    return [kept, *others], [cut_off]
