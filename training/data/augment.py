"""Augmentation: random crops, flips, exposure, colour, and the blur and noise of cheap webcams."""

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from training.data.tensors import Picture

CropShape = tuple[int, int]
"""Height and width in pixels."""
COLOURED_LIGHT_SHARE = 0.06
"""Share of the crops that are lit by a coloured lamp, down to one colour alone, as on a stage: what
a generator never saw, its adaptive convolutions answer with gains without bound."""


class CropBox(NamedTuple):
    """A part of a picture, in pixels."""

    top: int
    left: int
    height: int
    width: int

    def cut(self, picture: Picture, size: CropShape) -> Picture:
        """This part of the picture, resized to (*size, 3)."""
        part = picture[self.top : self.top + self.height, self.left : self.left + self.width]
        method = cv2.INTER_AREA if min(self.height, self.width) > min(size) else cv2.INTER_CUBIC
        return np.asarray(cv2.resize(part, size[::-1], interpolation=method), np.uint8)


def box_sides(shape: tuple[int, ...], size: CropShape) -> tuple[int, int]:
    """The least and the greatest shorter side of a crop's box in a picture of `shape`: from three
    quarters of `size` (then enlarged by a third) to the largest box of that shape."""
    shorter = min(size)
    largest = max(1, int(min(shape[0] * shorter / size[0], shape[1] * shorter / size[1])))
    return min(largest, max(8, int(shorter * 0.75))), largest


def box_shape(side: int, shape: tuple[int, ...], size: CropShape) -> tuple[int, int]:
    """Height and width of a box with the proportions of `size` whose shorter side is `side`, cut
    off where a picture of `shape` ends."""
    height, width = (round(side * length / min(size)) for length in size)
    return min(shape[0], height), min(shape[1], width)


def random_box(shape: tuple[int, ...], size: CropShape, random: np.random.Generator) -> CropBox:
    """A box of the proportions of `size` at a random place and scale in a picture of `shape`
    (H, W, …), so that faces of all sizes are seen."""
    smallest, largest = box_sides(shape, size)
    height, width = box_shape(int(random.integers(smallest, largest + 1)), shape, size)
    top, left = random.integers(shape[0] - height + 1), random.integers(shape[1] - width + 1)
    return CropBox(int(top), int(left), height, width)


def random_variation(crop: NDArray[np.uint8], random: np.random.Generator) -> NDArray[np.uint8]:
    """Vary flip, exposure and colour at random; sometimes light the crop by a coloured lamp,
    sometimes add a cheap webcam's blur and noise.

    Of a crop (H, W, 3 or more) uint8, what follows RGB is only flipped along."""
    if random.random() < 0.5:
        crop = crop[:, ::-1]
    levels = crop[..., :3].astype(np.float32) / 255
    levels **= np.float32(random.uniform(0.75, 1.35))
    levels *= (random.uniform(0.85, 1.1) * random.uniform(0.94, 1.06, 3)).astype(np.float32)
    if random.random() < COLOURED_LIGHT_SHARE:
        lamp = random.random(3) ** 3
        levels *= (lamp / lamp.max()).astype(np.float32)
    if random.random() < 0.2:
        levels = np.asarray(cv2.GaussianBlur(levels, (0, 0), random.uniform(0.4, 1.2)), np.float32)
    if random.random() < 0.3:
        noise = random.standard_normal(levels.shape, np.float32)
        levels = levels + noise * np.float32(random.uniform(0.005, 0.03))
    picture = (levels * 255).clip(0, 255).round().astype(np.uint8)
    return np.concatenate([picture, crop[..., 3:]], axis=-1)
