"""Brings a picture to a size: whole with bars, filled by a crop, or stretched."""

from typing import Literal

import cv2
import numpy as np

from models.errors import lookup
from realtime.frame import RGB

Mode = Literal["letterbox", "crop", "stretch"]
MODES: tuple[Mode, ...] = ("letterbox", "crop", "stretch")


def resize(rgb: RGB, width: int, height: int) -> RGB:
    """The picture at just that size: by area when it shrinks, else bilinear."""
    if rgb.shape[:2] == (height, width):
        return rgb
    shrinks = width * height < rgb.shape[0] * rgb.shape[1]
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(rgb, (width, height), interpolation=method), np.uint8)


def fit(rgb: RGB, width: int, height: int, mode: str = "letterbox") -> RGB:
    """The picture (H, W, 3) as (height, width, 3).

    "letterbox" keeps all of it between black bars, "crop" fills the frame and cuts what
    stands out, "stretch" distorts. Raises UsageError for another mode.
    """
    lookup("fit", mode, dict.fromkeys(MODES))
    rows, columns = rgb.shape[:2]
    if mode == "stretch" or (rows, columns) == (height, width):
        return resize(rgb, width, height)
    scales = (width / columns, height / rows)
    scale = min(scales) if mode == "letterbox" else max(scales)
    scaled = resize(rgb, max(1, round(columns * scale)), max(1, round(rows * scale)))
    return _pad(scaled, width, height) if mode == "letterbox" else _cut(scaled, width, height)


def _pad(rgb: RGB, width: int, height: int) -> RGB:
    out = np.zeros((height, width, 3), np.uint8)
    rows, columns = rgb.shape[:2]
    top, left = (height - rows) // 2, (width - columns) // 2
    out[top : top + rows, left : left + columns] = rgb
    return out


def _cut(rgb: RGB, width: int, height: int) -> RGB:
    top, left = (rgb.shape[0] - height) // 2, (rgb.shape[1] - width) // 2
    return rgb[top : top + height, left : left + width]


def scaled_size(width: int, height: int, scale: float, least: int) -> tuple[int, int]:
    """Width and height times `scale`, at least `least` where the picture itself is."""
    return tuple(  # type: ignore[return-value]
        max(round(side * scale), min(side, least)) for side in (width, height)
    )
