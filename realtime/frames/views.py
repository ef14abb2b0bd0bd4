"""What is shown with a painting, beside it, or in its place. Pure."""

import cv2
import numpy as np

from models.pictures import RGB

DIVIDER = 2
"""Pixels between the halves of the split view."""


def blended(original: RGB, painted: RGB, strength: float) -> RGB:
    """The original at strength 0, the painting itself at 1."""
    if strength == 1:
        return painted
    return np.asarray(cv2.addWeighted(original, 1 - strength, painted, strength, 0), np.uint8)


def split(original: RGB, painted: RGB) -> RGB:
    """The original's left half beside the painting's right half, with a light line between them."""
    out = painted.copy()
    middle = painted.shape[1] // 2
    out[:, :middle] = original[:, :middle]
    out[:, max(0, middle - DIVIDER // 2) : middle + DIVIDER // 2] = 235
    return out


def placeholder(height: int, width: int) -> RGB:
    """A dark picture that says "no picture". It shows nothing from the camera."""
    out = np.full((height, width, 3), 28, np.uint8)
    text, scale = "no picture", max(0.4, width / 640)
    (wide, high), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, scale, 1)
    at = ((width - wide) // 2, (height + high) // 2)
    cv2.putText(out, text, at, cv2.FONT_HERSHEY_SIMPLEX, scale, (150, 150, 155), 1, cv2.LINE_AA)
    return out
