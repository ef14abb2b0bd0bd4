"""Crops and their variations: places, scales, light, colour and the flaws of cheap webcams."""

import cv2
import numpy as np

from training.images import Picture


def cut(picture: Picture, crop: int, random: np.random.Generator) -> Picture:
    """A square of random place and scale, as (crop, crop, 3): from all of the short side
    down to half of `crop` enlarged, so that faces of every size are seen."""
    height, width = picture.shape[:2]
    largest = min(height, width)
    smallest = min(largest, max(8, int(crop * 0.75)))
    side = int(random.integers(smallest, largest + 1))
    top, left = random.integers(height - side + 1), random.integers(width - side + 1)
    square = picture[top : top + side, left : left + side]
    method = cv2.INTER_AREA if side > crop else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(square, (crop, crop), interpolation=method), np.uint8)


def vary(picture: Picture, random: np.random.Generator) -> Picture:
    """Flip, exposure, colour and, at times, the blur and noise of a cheap webcam."""
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
