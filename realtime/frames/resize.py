"""Fits a picture to a size (letterbox, crop or stretch), and finds the size to paint at.

Pure. OpenCV does the resizing; the order of the colours does not matter for that.
"""

from typing import Literal, NamedTuple

import cv2
import numpy as np

from models.card import MINIMUM_SIDE
from models.pictures import RGB

FitMode = Literal["letterbox", "crop", "stretch"]
FIT_MODES: tuple[FitMode, ...] = ("letterbox", "crop", "stretch")


class Size(NamedTuple):
    """Width and height in pixels, in this order."""

    width: int
    height: int

    def __str__(self) -> str:
        return f"{self.width}x{self.height}"


def fit(rgb: RGB, width: int, height: int, mode: FitMode = "letterbox") -> RGB:
    """Fit `rgb` (H, W, 3) to (height, width, 3).

    "letterbox" shows all of it, undistorted, between black bars; "crop" fills the size and cuts
    off what does not fit, equally on both sides; "stretch" fills it and distorts. A picture
    that already has the size is returned as it is.
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


def shrunk_size(own: Size, wanted: Size, mode: FitMode) -> Size:
    """The size that `shrink_to_fit` gives a picture of size `own`."""
    kept = largest_inside(wanted, own) if mode == "crop" else own
    if mode == "letterbox":
        wanted = largest_inside(own, wanted)
    smaller = wanted.width <= kept.width and wanted.height <= kept.height
    return wanted if smaller else kept


def shrink_to_fit(rgb: RGB, width: int, height: int, mode: FitMode) -> RGB:
    """Cut and shrink `rgb` to what `fit` will show of it, without bars. Never enlarges.

    So no pixel is painted that would be discarded afterwards, and no bar.
    """
    own, wanted = Size(rgb.shape[1], rgb.shape[0]), Size(width, height)
    if mode == "crop":
        rgb = _cut(rgb, largest_inside(wanted, own))
    return resize(rgb, *shrunk_size(own, wanted, mode))


def _cut(rgb: RGB, window: Size) -> RGB:
    """The middle of `rgb`, of the size `window`."""
    left, top = (rgb.shape[1] - window.width) // 2, (rgb.shape[0] - window.height) // 2
    return rgb[top : top + window.height, left : left + window.width]


def resize(rgb: RGB, width: int, height: int) -> RGB:
    """Resample `rgb`, ignoring proportions; averages when shrinking, so there is no moiré."""
    own_height, own_width = rgb.shape[:2]
    if (own_width, own_height) == (width, height):
        return rgb
    shrinks = width <= own_width and height <= own_height
    way = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(rgb, (width, height), interpolation=way), np.uint8)


def largest_inside(shape: Size, bounds: Size) -> Size:
    """The largest size inside `bounds` with the proportions of `shape`; sides are at least 1."""
    scale = min(bounds.width / shape.width, bounds.height / shape.height)
    return Size(
        min(bounds.width, max(1, round(shape.width * scale))),
        min(bounds.height, max(1, round(shape.height * scale))),
    )


LIVE_LINES = 360
"""A live frame is shrunk for painting only while its shorter side keeps this many pixels."""


def live_scale(frame: Size) -> float:
    """The scale for live frames: 1 / n with an integer n, so that shrinking is exact and cheap.

    It is 1/2 for 1280×720, 1/3 for 1920×1080 and 1 for 640×480.
    """
    return 1 / max(1, min(frame.width, frame.height) // LIVE_LINES)


def processing_size(frame: Size, *, within: Size | None = None, scale: float = 1.0) -> Size:
    """The size at which frames of size `frame` are painted.

    Never larger than the frame times `scale` nor than `within`, with proportions kept. But no side
    is below the generators' minimum (MINIMUM_SIDE), so tiny pictures are enlarged.
    """
    size = Size(max(1, round(frame.width * scale)), max(1, round(frame.height * scale)))
    if within is not None and (size.width > within.width or size.height > within.height):
        size = largest_inside(size, within)
    return Size(max(MINIMUM_SIDE, size.width), max(MINIMUM_SIDE, size.height))


def painted_size(frame: Size, scale: float | None, *, within: Size | None = None) -> Size:
    """Like `processing_size`, but `scale` None means `live_scale` of the frame."""
    return processing_size(
        frame, within=within, scale=live_scale(frame) if scale is None else scale
    )
