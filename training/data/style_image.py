"""Loads the style picture that an argument names: a file, or a procedural style."""

import hashlib
import logging
import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import cv2
import numpy as np

from models.errors import UsageError
from models.pictures import read_picture
from training.config.recipe import STYLE_SIDE
from training.data.procedural_styles import PROCEDURAL_STYLES
from training.data.tensors import Picture

LOGGER = logging.getLogger(__name__)
PROCEDURAL_SIDE = 768
SMALLEST = 32
"""Shorter side in pixels: below it the deeper layers of the loss network see nothing."""

StyleFit = Literal["whole", "crop", "pad", "stretch"]


@dataclass(frozen=True)
class StyleImage:
    """A picture (H, W, 3) uint8 RGB, and the name of a style made from it."""

    name: str
    picture: Picture


def load_style_image(
    text: str, *, scale: float = 1.0, fit: StyleFit = "whole", shape: tuple[int, int] = (1, 1)
) -> StyleImage:
    """Load the style picture that `text` names: a picture file or a procedural style.

    Its patterns are resized by `scale`, then it is fitted to the proportions `shape` (H, W).
    Raises UsageError if it is neither, cannot be read, or has become too small.
    """
    if text in PROCEDURAL_STYLES:
        name, picture = text, PROCEDURAL_STYLES[text](PROCEDURAL_SIDE, 0)
    else:
        path = Path(text)
        if not path.is_file():
            known = ", ".join(sorted(PROCEDURAL_STYLES))
            raise UsageError(f"{text}: no such picture, nor a procedural style ({known})")
        name = _name_of(path)
        picture = read_picture(path)
    fitted = fit_to_shape(shape, resize_style(picture, scale), fit)
    height, width = fitted.shape[:2]
    if min(height, width) < SMALLEST:
        raise UsageError(
            f"{text}: only {width}x{height} pixels are left of it; at least {SMALLEST} are needed: "
            "give a larger picture, or a larger --style-scale"
        )
    if max(fitted.shape) > max(picture.shape):
        LOGGER.warning(
            "%s: enlarged beyond its own %d pixels: its finest strokes will be soft",
            text,
            max(picture.shape),
        )
    return StyleImage(name or "style", fitted)


def picture_digest(pictures: list[Picture]) -> str:
    """Sixteen hexadecimal digits that identify the pictures by all their pixels."""
    parts = [hashlib.sha256(np.ascontiguousarray(x).tobytes()).hexdigest() for x in pictures]
    return hashlib.sha256(" ".join(parts).encode()).hexdigest()[:16]


def _name_of(path: Path) -> str:
    """The file's stem in the letters that a style name may have: "Café 2.jpg" gives cafe-2."""
    plain = unicodedata.normalize("NFKD", path.stem).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")


def resize_style(picture: Picture, scale: float) -> Picture:
    """The picture, its longer side at most STYLE_SIDE, then resized by `scale`.

    At scale 2 each stroke is twice as long as at 1."""
    height, width = picture.shape[:2]
    factor = min(1.0, STYLE_SIDE / max(height, width)) * scale
    if factor == 1:
        return picture
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    method = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(picture, size, interpolation=method), np.uint8)


def fit_to_shape(shape: tuple[int, int], picture: Picture, fit: StyleFit) -> Picture:
    """The picture with the proportions of `shape` (H, W).

    "whole" leaves it as it is; "crop" keeps the largest middle part; "pad" mirrors it at its
    edges, since bars of one colour would be painted too; "stretch" distorts it, with the longer
    side unchanged. Only "stretch" changes the size of its patterns.
    """
    height, width = picture.shape[:2]
    if fit == "whole" or height * shape[1] == width * shape[0]:
        return picture
    if fit == "stretch":
        longer = max(height, width) / max(shape)
        size = max(1, round(shape[1] * longer)), max(1, round(shape[0] * longer))
        return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
    pick = min if fit == "crop" else max
    unit = pick(height / shape[0], width / shape[1])
    rows, columns = (max(1, round(side * unit)) for side in shape)
    if fit == "crop":
        top, left = (height - rows) // 2, (width - columns) // 2
        return np.ascontiguousarray(picture[top : top + rows, left : left + columns])
    top, left = max(0, rows - height), max(0, columns - width)
    padding = (top // 2, top - top // 2, left // 2, left - left // 2)
    return np.asarray(cv2.copyMakeBorder(picture, *padding, cv2.BORDER_REFLECT_101), np.uint8)
