"""Photographs for training: found, decoded in parallel, cut into varied crops.

Every batch is a pure function of seed and step, so a resumed training sees the very pictures
that an unbroken one would have seen.
"""

import logging
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from torch import Tensor

from models.errors import TrainingError, UsageError
from training.augment import cut, vary
from training.images import Picture, read_rgb, shrink_to, to_tensor

LOGGER = logging.getLogger(__name__)
SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"}
LONGEST_SHORT_SIDE = 400
"""Photographs are kept no larger: crops are far smaller, and memory is finite."""
HELD_OUT_EVERY = 40
FEW = 200


class Photographs:
    """All usable pictures of a folder, in memory; some are held out for previews and reports."""

    def __init__(self, folder: Path) -> None:
        """Raises UsageError for a missing folder, TrainingError for one without pictures."""
        if not folder.is_dir():
            raise UsageError(f"{folder}: no such folder of photographs")
        paths = sorted(p for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES)
        with ThreadPoolExecutor() as pool:
            loaded = list(pool.map(_load_or_none, paths))
        pictures = [picture for picture in loaded if picture is not None]
        self.skipped = len(paths) - len(pictures)
        if self.skipped:
            LOGGER.warning("%s: skipped %d unreadable pictures", folder, self.skipped)
        if not pictures:
            raise TrainingError(f"{folder}: no pictures in it ({', '.join(sorted(SUFFIXES))})")
        if len(pictures) < FEW:
            LOGGER.warning(
                "%s: only %d pictures; the style may fail on what they do not show (%d is good)",
                folder,
                len(pictures),
                5 * FEW,
            )
        enough = len(pictures) > HELD_OUT_EVERY
        self.held_out = pictures[::HELD_OUT_EVERY] if enough else pictures[:1]
        self.training = (
            [p for i, p in enumerate(pictures) if i % HELD_OUT_EVERY] if enough else pictures
        )

    def batch(self, *, seed: int, step: int, batch_size: int, crop: int) -> Tensor:
        """The crops of one step: (B, 3, crop, crop) float 0..1, all varied at random."""
        random = np.random.default_rng([seed, step])
        chosen = random.integers(len(self.training), size=batch_size)
        crops = [vary(cut(self.training[i], crop, random), random) for i in chosen]
        return to_tensor(np.stack(crops))

    def batches(
        self, *, seed: int, start: int, batch_size: int, crop: int
    ) -> Generator[Tensor, None, None]:
        """Batches from step `start` on, without end; the next is cut while one is in use."""
        with ThreadPoolExecutor(max_workers=1) as pool:
            step = start

            def cut_next() -> Tensor:
                return self.batch(seed=seed, step=step, batch_size=batch_size, crop=crop)

            coming = pool.submit(cut_next)
            while True:
                ready = coming.result()
                step += 1
                coming = pool.submit(cut_next)
                yield ready


def _load_or_none(path: Path) -> Picture | None:
    try:
        return shrink_to(read_rgb(path), LONGEST_SHORT_SIDE)
    except UsageError as error:
        LOGGER.info("%s", error)
        return None
