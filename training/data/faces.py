"""Faces in photographs: where they are, and crops that show them.

They are what a viewer looks at first, and what strokes hide first. The detector is YuNet (Wu et al.
2023, Machine Intelligence Research 20), through OpenCV; its weights lie beside this file
(MIT, copyright 2020 Shiqi Yu).
"""

from functools import cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from training.data.augment import CropBox, CropShape, box_sides
from training.data.tensors import Picture

WEIGHTS = Path(__file__).with_name("face_detection_yunet_2023mar.onnx")
SURE = 0.9
"""Score from which on a find in a photograph is a face: OpenCV's own default."""
LEAST_SIDE = 20
"""Pixels: what is smaller has no eyes to be kept."""
ROOM = (1.2, 6.0)
"""A crop that shows a face is this many times as wide: from a close-up to a person in a room."""

Face = tuple[float, float, float, float]
"""Left, top, width, height in pixels; from forehead to chin."""
Mask = NDArray[np.uint8]
"""(H, W) uint8: 255 on faces, 0 elsewhere."""


@cache
def _detector() -> cv2.FaceDetectorYN:
    level = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_ERROR)  # warns of its own defaults
    try:
        return cv2.FaceDetectorYN.create(str(WEIGHTS), "", (320, 320))
    finally:
        cv2.utils.logging.setLogLevel(level)


def find_faces(picture: Picture, least_score: float = SURE) -> list[Face]:
    """The faces in a picture (H, W, 3) uint8 RGB of at least LEAST_SIDE pixels."""
    detector = _detector()
    detector.setInputSize((picture.shape[1], picture.shape[0]))
    detector.setScoreThreshold(least_score)
    found = detector.detect(cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))[1]
    rows = [] if found is None else found[:, :4].tolist()
    return [(x, y, w, h) for x, y, w, h in rows if min(w, h) >= LEAST_SIDE]


def box_around(
    face: Face, shape: tuple[int, ...], size: CropShape, random: np.random.Generator
) -> CropBox:
    """A box of the proportions of `size`, in a picture of `shape` (H, W, …), that shows `face`,
    somewhere in it and from close by or from afar."""
    x, y, width, height = face
    smallest, largest = box_sides(shape, size)
    wanted = max(width, height) * np.exp(random.uniform(*np.log(ROOM)))
    rows, columns = CropBox.of_side(int(np.clip(wanted, smallest, largest)), shape, size)
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
