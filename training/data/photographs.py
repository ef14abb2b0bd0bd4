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

from models.errors import UsageError
from models.pictures import READ_SUFFIXES
from training.data.augment import CropShape, random_box, random_variation
from training.data.faces.crops import box_around, face_mask
from training.data.faces.detector import find_faces
from training.data.photo_files import PACKAGED, find_photographs
from training.data.tensors import Picture, to_tensor
from training.runtime.memory_budget import UNLIMITED, MemoryBudget

LOGGER = logging.getLogger(__name__)
SHORT_SIDE = 400
"""Photographs are shrunk to this shorter side: usual crops are far smaller, memory is limited."""
HELD_OUT_EVERY = 40
FEW = 200
FACE_SHARE = 0.35
"""Share of the crops that are cut around a face, where faces are to be kept: by chance, one crop
in thirty has one."""


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
        faces: bool = False,
    ) -> None:
        """Read the sources: each a folder, a video, a picture, or "packaged".

        Larger pictures are shrunk to `short_side`. `warn`: log a warning if they are too few to
        train on. `faces`: look for them (a hundredth of a second each), for crops that say where
        they are. Raises UsageError for a source that is none of these and if there are no
        pictures, TrainingError if they take more memory than the ceiling allows.
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
            raise UsageError(f"{named}: no pictures in it ({', '.join(READ_SUFFIXES)})")
        if warn and len(pictures) < FEW:
            _warn_of_few(named, len(pictures))
        self.training, self.held_out = hold_out(pictures)
        self.faces = [find_faces(picture) for picture in self.training] if faces else []
        self._shown = [(i, face) for i, found in enumerate(self.faces) for face in found]
        if faces:
            LOGGER.info("%d faces in %d photographs", len(self._shown), len(self.training))

    def batch(self, *, seed: int, step: int, batch_size: int, size: CropShape) -> Tensor:
        """The crops of one step: (B, 3, *size) float 0..1, all varied at random."""
        return to_tensor(self._crops(seed, step, batch_size, size)[..., :3])

    def _crops(self, seed: int, step: int, batch_size: int, size: CropShape) -> NDArray[np.uint8]:
        """The same as (B, *size, 3) uint8 RGB, made without torch; with `faces`, (B, *size, 4), the
        last of them 255 on a face."""
        random = np.random.default_rng([seed, step])
        chosen = random.integers(len(self.training), size=batch_size)
        return np.stack(
            [random_variation(self._crop(int(i), size, random), random) for i in chosen]
        )

    def _crop(self, index: int, size: CropShape, random: np.random.Generator) -> NDArray[np.uint8]:
        """A crop of that photograph, (*size, 3); with `faces` (*size, 4), and FACE_SHARE of them
        around a face, of whichever photograph has one."""
        face = None
        if self._shown and random.random() < FACE_SHARE:
            index, face = self._shown[random.integers(len(self._shown))]
        picture = self.training[index]
        if face is None:
            box = random_box(picture.shape, size, random)
        else:
            box = box_around(face, picture.shape, size, random)
        crop = box.cut(picture, size)
        if not self.faces:
            return crop
        return np.dstack([crop, face_mask(self.faces[index], box, size)])

    def batches(
        self, *, seed: int, start: int, batch_size: int, size: CropShape
    ) -> Generator[Tensor, None, None]:
        """Endless batches from step `start` on; the next one is prepared while one is in use. With
        `faces` a crop has a fourth channel, 1 on a face.

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
