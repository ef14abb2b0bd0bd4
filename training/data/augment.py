"""Augmentation: random crops, flips, exposure, colour, and the blur and noise of cheap webcams."""

import cv2
import numpy as np

from training.data.tensors import Picture

CropShape = tuple[int, int]
"""Height and width in pixels."""


def random_crop(picture: Picture, size: CropShape, random: np.random.Generator) -> Picture:
    """A crop at a random place and scale, resized to (*size, 3).

    Its scale ranges from the largest box of that shape in the picture down to three quarters of
    `size` (then enlarged by a third), so that faces of all sizes are seen."""
    shorter = min(size)
    shape = size[0] / shorter, size[1] / shorter
    height, width = picture.shape[:2]
    largest = max(1, int(min(height / shape[0], width / shape[1])))
    smallest = min(largest, max(8, int(shorter * 0.75)))
    side = int(random.integers(smallest, largest + 1))
    box = min(height, round(side * shape[0])), min(width, round(side * shape[1]))
    top, left = random.integers(height - box[0] + 1), random.integers(width - box[1] + 1)
    part = picture[top : top + box[0], left : left + box[1]]
    method = cv2.INTER_AREA if side > shorter else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(part, size[::-1], interpolation=method), np.uint8)


def random_variation(picture: Picture, random: np.random.Generator) -> Picture:
    """Vary flip, exposure and colour at random; sometimes add a cheap webcam's blur and noise."""
    if random.random() < 0.5:
        picture = picture[:, ::-1]
    levels = picture.astype(np.float32) / 255
    levels **= np.float32(random.uniform(0.75, 1.35))
    levels *= (random.uniform(0.85, 1.1) * random.uniform(0.94, 1.06, 3)).astype(np.float32)
    if random.random() < 0.2:
        levels = np.asarray(cv2.GaussianBlur(levels, (0, 0), random.uniform(0.4, 1.2)), np.float32)
    if random.random() < 0.3:
        noise = random.standard_normal(levels.shape, np.float32)
        levels = levels + noise * np.float32(random.uniform(0.005, 0.03))
    return (levels * 255).clip(0, 255).round().astype(np.uint8)
