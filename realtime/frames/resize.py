"""Fits a picture to a size: letterbox, crop or stretch. Pure.

OpenCV does the resizing; the order of the colours does not matter for that.
"""

import cv2
import numpy as np

from models.picture_formats.sixteen_bits import AnyRGB
from realtime.frames.size import FitMode, Size, largest_inside


def fit(rgb: AnyRGB, width: int, height: int, mode: FitMode = "letterbox") -> AnyRGB:
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
    out = np.zeros((height, width, 3), rgb.dtype)
    out[top : top + inner.height, left : left + inner.width] = resize(rgb, *inner)
    return out


def shrunk_size(own: Size, wanted: Size, mode: FitMode) -> Size:
    """The size that `shrink_to_fit` gives a picture of size `own`."""
    kept = largest_inside(wanted, own) if mode == "crop" else own
    if mode == "letterbox":
        wanted = largest_inside(own, wanted)
    smaller = wanted.width <= kept.width and wanted.height <= kept.height
    return wanted if smaller else kept


def shrink_to_fit(
    rgb: AnyRGB, width: int, height: int, mode: FitMode, *, zoom: float = 1.0
) -> AnyRGB:
    """Cut and shrink `rgb` to what `fit` will show of it, without bars.

    So no pixel is painted that would be discarded afterwards, and no bar. Nothing is enlarged,
    except what a `zoom` above 1 cuts out of the middle: it gets the size of the whole.
    """
    own, wanted = Size(rgb.shape[1], rgb.shape[0]), Size(width, height)
    final = shrunk_size(own, wanted, mode)
    if zoom > 1:
        own = Size(max(1, round(own.width / zoom)), max(1, round(own.height / zoom)))
        rgb = _cut(rgb, own)
    if mode == "crop":
        rgb = _cut(rgb, largest_inside(wanted, own))
    return resize(rgb, *final)


def _cut(rgb: AnyRGB, window: Size) -> AnyRGB:
    """The middle of `rgb`, of the size `window`."""
    left, top = (rgb.shape[1] - window.width) // 2, (rgb.shape[0] - window.height) // 2
    return rgb[top : top + window.height, left : left + window.width]


def resize(rgb: AnyRGB, width: int, height: int) -> AnyRGB:
    """Resample `rgb`, ignoring proportions; averages when shrinking, so there is no moiré."""
    own_height, own_width = rgb.shape[:2]
    if (own_width, own_height) == (width, height):
        return rgb
    shrinks = width <= own_width and height <= own_height
    way = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(rgb, (width, height), interpolation=way), rgb.dtype)
