"""Brings a picture to a size: letterbox, crop or stretch; and the size that generators work at.

Pure. OpenCV resizes; the order of the colours does not matter to it.
"""

from typing import Literal, NamedTuple

import cv2
import numpy as np

from models.card import MINIMUM_SIDE
from realtime.frame import RGB

FitMode = Literal["letterbox", "crop", "stretch"]
FIT_MODES: tuple[FitMode, ...] = ("letterbox", "crop", "stretch")


class Size(NamedTuple):
    """Width and height in pixels, in this order."""

    width: int
    height: int

    def __str__(self) -> str:
        return f"{self.width}x{self.height}"


def fit(rgb: RGB, width: int, height: int, mode: FitMode = "letterbox") -> RGB:
    """`rgb` (H, W, 3) as (height, width, 3).

    "letterbox" shows all of it, undistorted, between black bars; "crop" fills the size and cuts
    off what does not fit, equally on both sides; "stretch" fills it and distorts. A picture
    that has the size already is given back as it is.
    """
    assert width > 0 and height > 0, (width, height)
    own_height, own_width = rgb.shape[:2]
    if (own_width, own_height) == (width, height):
        return rgb
    if mode == "stretch":
        return resize(rgb, width, height)
    if mode == "crop":
        window = largest_inside(Size(width, height), Size(own_width, own_height))
        return resize(_cut(rgb, window), width, height)
    inner = largest_inside(Size(own_width, own_height), Size(width, height))
    left, top = (width - inner.width) // 2, (height - inner.height) // 2
    out = np.zeros((height, width, 3), np.uint8)
    out[top : top + inner.height, left : left + inner.width] = resize(rgb, *inner)
    return out


def shrink_to_fit(rgb: RGB, width: int, height: int, mode: FitMode) -> RGB:
    """`rgb` no larger than what `fit` will show of it, still without bars.

    So that no pixel is painted which is thrown away afterwards, nor any bar.
    """
    own = Size(rgb.shape[1], rgb.shape[0])
    wanted = Size(width, height)
    if mode == "crop":
        rgb = _cut(rgb, largest_inside(wanted, own))
    elif mode == "letterbox":
        wanted = largest_inside(own, wanted)
    smaller = wanted.width <= rgb.shape[1] and wanted.height <= rgb.shape[0]
    return resize(rgb, *wanted) if smaller else rgb


def _cut(rgb: RGB, window: Size) -> RGB:
    """The middle of it, of that size."""
    left, top = (rgb.shape[1] - window.width) // 2, (rgb.shape[0] - window.height) // 2
    return rgb[top : top + window.height, left : left + window.width]


def resize(rgb: RGB, width: int, height: int) -> RGB:
    """Resampled without regard to proportions; averaged where it gets smaller, so no moiré."""
    own_height, own_width = rgb.shape[:2]
    if (own_width, own_height) == (width, height):
        return rgb
    shrinks = width <= own_width and height <= own_height
    way = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(rgb, (width, height), interpolation=way), np.uint8)


def largest_inside(shape: Size, bounds: Size) -> Size:
    """The largest size of the proportions of `shape` that is inside `bounds`; sides at least 1."""
    scale = min(bounds.width / shape.width, bounds.height / shape.height)
    return Size(
        min(bounds.width, max(1, round(shape.width * scale))),
        min(bounds.height, max(1, round(shape.height * scale))),
    )


LIVE_LINES = 360
"""Pixels of the shorter side that a live frame is painted at, at least, before it is enlarged."""


def live_scale(frame: Size) -> float:
    """One whole part of the frame, so that shrinking is exact and cheap: a half for 1280×720, a
    third for 1920×1080, all of 640×480."""
    return 1 / max(1, min(frame.width, frame.height) // LIVE_LINES)


def processing_size(frame: Size, *, within: Size | None = None, scale: float = 1.0) -> Size:
    """The size at which frames of size `frame` are painted.

    Never larger than the frame times `scale`, nor than `within`, proportions kept; but no side
    below what generators take (MINIMUM_SIDE), which enlarges tiny pictures.
    """
    size = Size(max(1, round(frame.width * scale)), max(1, round(frame.height * scale)))
    if within is not None and (size.width > within.width or size.height > within.height):
        size = largest_inside(size, within)
    return Size(max(MINIMUM_SIDE, size.width), max(MINIMUM_SIDE, size.height))


def painted_size(frame: Size, scale: float | None, *, within: Size | None = None) -> Size:
    """`processing_size`, where a `scale` of None is what suits live frames of that size."""
    return processing_size(
        frame, within=within, scale=live_scale(frame) if scale is None else scale
    )
