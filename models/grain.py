"""Grain: a faint, fixed texture laid over a picture before it is painted.

A generator answers an even wall with an even colour: all it sees there is the same. The grain gives
it places to begin strokes at. It stays where it is, so the strokes on a still wall stay, too.
"""

from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from models.pictures import RGB

CELLS = (4, 8, 16, 32, 64, 128)
"""Sizes of the texture's spots, in painted pixels: from a stroke's width to a cloud."""
COARSER = 0.25
"""Power of a spot's size at which its deviation grows: large shapes want a little more to begin."""
ENLARGED = 6 / 7
"""Deviation of white noise of deviation 1 once OpenCV's bicubic interpolation has enlarged it."""
SEED = 20261129


def grain_field(height: int, width: int, random: np.random.Generator) -> NDArray[np.float32]:
    """Grey texture (H, W), a part of an endless one of mean 0 and deviation 1 with spots of all
    CELLS."""
    total = np.zeros((height, width), np.float32)
    shares = {cell: (cell / CELLS[0]) ** COARSER for cell in CELLS}
    for cell, share in shares.items():
        rows, columns = height // cell + 3, width // cell + 3
        spots = random.standard_normal((rows, columns), np.float32)
        smooth = cv2.resize(spots, (columns * cell, rows * cell), interpolation=cv2.INTER_CUBIC)
        top, left = random.integers(cell, 2 * cell, 2)
        part = smooth[top : top + height, left : left + width]
        total += part * share
    deviation = ENLARGED * np.sqrt(sum(share**2 for share in shares.values()))
    return np.asarray(total / deviation, np.float32)


def with_grain(rgb: RGB, deviation: float, painted: tuple[int, int] | None = None) -> RGB:
    """The picture (H, W, 3) uint8 RGB with the grain of its size on it: a new array.

    `deviation` of the grain, of 0..1. `painted`: height and width at which the picture will be
    painted, if not its own; the spots are as many times larger.
    """
    height, width = rgb.shape[:2]
    lighter, darker = _steps(height, width, painted or (height, width), deviation)
    return np.asarray(cv2.subtract(cv2.add(rgb, lighter), darker), np.uint8)


@lru_cache(maxsize=4)
def _steps(
    height: int, width: int, painted: tuple[int, int], deviation: float
) -> tuple[NDArray[Any], NDArray[Any]]:
    """What to add and what to subtract, (H, W, 3) uint8 each."""
    field = grain_field(*painted, np.random.default_rng(SEED))
    if painted != (height, width):
        field = np.asarray(cv2.resize(field, (width, height), interpolation=cv2.INTER_CUBIC))
    levels = np.rint(np.repeat(field[..., None], 3, axis=2) * (deviation * 255))
    return np.clip(levels, 0, 255).astype(np.uint8), np.clip(-levels, 0, 255).astype(np.uint8)
