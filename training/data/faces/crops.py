"""Crops that show faces, and where in them the faces are.

Faces are what a viewer looks at first, and what strokes hide first.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from training.data.augment import CropBox, CropShape, box_shape, box_sides
from training.data.faces.detector import Face

ROOM = (1.2, 6.0)
"""A crop that shows a face is this many times as wide: from a close-up to a person in a room."""

Mask = NDArray[np.uint8]
"""(H, W) uint8: 255 on faces, 0 elsewhere."""


def box_around(
    face: Face, shape: tuple[int, ...], size: CropShape, random: np.random.Generator
) -> CropBox:
    """A box of the proportions of `size`, in a picture of `shape` (H, W, …), that shows `face`,
    somewhere in it and from close by or from afar."""
    x, y, width, height = face
    smallest, largest = box_sides(shape, size)
    wanted = max(width, height) * np.exp(random.uniform(*np.log(ROOM)))
    rows, columns = box_shape(int(np.clip(wanted, smallest, largest)), shape, size)
    return CropBox(
        _before(y, height, rows, shape[0], random),
        _before(x, width, columns, shape[1], random),
        rows,
        columns,
    )


def _before(start: float, length: float, room: int, end: int, random: np.random.Generator) -> int:
    """Where a stretch of `room` begins that holds `start`..`start + length`, as far as it can."""
    lowest, highest = sorted((start + length - room, start))
    return int(np.clip(random.uniform(lowest, highest), 0, end - room))


def face_mask(faces: list[Face], box: CropBox, size: CropShape) -> Mask:
    """Ellipses where faces are in the part `box` of a picture, resized to `size`."""
    mask = np.zeros(size, np.uint8)
    down, across = size[0] / box.height, size[1] / box.width
    for x, y, width, height in faces:
        centre = ((x + width / 2 - box.left) * across, (y + height / 2 - box.top) * down)
        axes = (width * across * 1.1, height * down * 1.1)
        cv2.ellipse(mask, (centre, axes, 0), 255, -1)
    return mask
