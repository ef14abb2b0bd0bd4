"""What is shown with a painting, beside it, or in its place. Pure."""

import cv2
import numpy as np

from models.picture_formats.sixteen_bits import AnyRGB
from models.pictures import RGB

DIVIDER = 2
"""Pixels between the halves of the split view."""


def blended(original: AnyRGB, painted: AnyRGB, strength: float) -> AnyRGB:
    """The original at strength 0, the painting itself at 1."""
    if strength == 1:
        return painted
    return np.asarray(cv2.addWeighted(original, 1 - strength, painted, strength, 0), painted.dtype)


def with_colours_of(original: AnyRGB, painted: AnyRGB) -> AnyRGB:
    """The painting's light and dark in the original's colours (its chroma, in YCrCb)."""
    out = cv2.cvtColor(original, cv2.COLOR_RGB2YCrCb)
    cv2.insertChannel(cv2.extractChannel(cv2.cvtColor(painted, cv2.COLOR_RGB2YCrCb), 0), out, 0)
    return np.asarray(cv2.cvtColor(out, cv2.COLOR_YCrCb2RGB), painted.dtype)


def mirrored(rgb: AnyRGB) -> AnyRGB:
    return np.asarray(cv2.flip(rgb, 1), rgb.dtype)


def split(original: AnyRGB, painted: AnyRGB) -> AnyRGB:
    """The original's left half beside the painting's right half, with a light line between them."""
    out = painted.copy()
    light = 235 * (int(np.iinfo(painted.dtype).max) // 255)
    middle = painted.shape[1] // 2
    out[:, :middle] = original[:, :middle]
    out[:, max(0, middle - DIVIDER // 2) : middle + DIVIDER // 2] = light
    return out


def blank_picture(height: int, width: int) -> RGB:
    """What is shown where the user wants nothing of the camera to be seen."""
    return placeholder(height, width, "camera off")


def placeholder(height: int, width: int, text: str = "no picture") -> RGB:
    """A dark picture that says `text` (ASCII). It shows nothing from the camera."""
    out = np.full((height, width, 3), 28, np.uint8)
    font, scale = cv2.FONT_HERSHEY_SIMPLEX, max(0.4, width / 640)
    (wide, _), _ = cv2.getTextSize(text, font, scale, 1)
    scale *= min(1.0, 0.8 * width / wide)
    (wide, high), _ = cv2.getTextSize(text, font, scale, 1)
    at = ((width - wide) // 2, (height + high) // 2)
    cv2.putText(out, text, at, font, scale, (150, 150, 155), 1, cv2.LINE_AA)
    return out
