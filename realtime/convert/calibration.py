"""Photographs to fit int8 to, and others to judge it by."""

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from models.errors import SourceFault, UsageError
from models.pictures import READ_SUFFIXES, RGB
from models.preparation import Preparation
from realtime.frames.resize import fit
from realtime.sources.demo import PORTRAIT
from realtime.sources.image import read_picture

LOGGER = logging.getLogger(__name__)
SIDE = 256
MOST = 32
FEWEST = 4
HELD_OUT_EVERY = 4


@dataclass(frozen=True)
class Calibration:
    """Photographs (SIDE, SIDE, 3) uint8 RGB; none is in both lists."""

    fitted: list[RGB]
    held_out: list[RGB]

    def prepared(self, preparation: Preparation) -> "Calibration":
        """The same photographs as a generator sees them that expects this."""
        return Calibration(
            [preparation.prepared(photograph) for photograph in self.fitted],
            [preparation.prepared(photograph) for photograph in self.held_out],
        )


def demo_portrait() -> Calibration:
    """The picture that comes with the program, to judge by; none to fit to."""
    return Calibration([], [_square(read_picture(PORTRAIT))])


def calibration(folder: Path) -> Calibration:
    """At most MOST of a folder's photographs, evenly spread; every fourth is held out.

    Raises UsageError for a missing folder or one with fewer than FEWEST readable pictures.
    """
    if not folder.is_dir():
        raise UsageError(f"--calibrate {folder}: no such folder of photographs")
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in READ_SUFFIXES)
    indices = np.linspace(0, len(paths) - 1, min(MOST, len(paths))).round().astype(int)
    pictures = []
    for index in indices:
        try:
            pictures.append(_square(read_picture(paths[index])))
        except SourceFault as fault:
            LOGGER.warning("%s; left out", fault)
    if len(pictures) < FEWEST:
        raise UsageError(
            f"--calibrate {folder}: {len(pictures)} readable photographs, {FEWEST} is the least "
            f"and {MOST} is good"
        )
    held_out = pictures[::HELD_OUT_EVERY]
    return Calibration([p for i, p in enumerate(pictures) if i % HELD_OUT_EVERY], held_out)


def _square(rgb: RGB) -> RGB:
    return fit(rgb, SIDE, SIDE, "crop")
