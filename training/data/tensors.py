"""Pictures as arrays and tensors: resizing, and conversion between the two."""

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.pictures import RGB

Picture = RGB
Levels = NDArray[np.float32]
"""(H, W, 3) float32 sRGB, 0..1."""

REPORT_SIDE = 256
"""Side in pixels of the squares on which styles are judged and with which they are shown."""


def shrink_to(picture: Picture, side: int, *, longer: bool = False) -> Picture:
    """The picture with its shorter (or `longer`) side at most `side` pixels; never enlarged."""
    height, width = picture.shape[:2]
    factor = side / (max if longer else min)(height, width)
    if factor >= 1:
        return picture
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)


def to_square(picture: Picture, side: int = REPORT_SIDE) -> Picture:
    """The middle square of a picture (H, W, 3), resized to `side` × `side` pixels."""
    height, width = picture.shape[:2]
    own = min(height, width)
    top, left = (height - own) // 2, (width - own) // 2
    square = picture[top : top + own, left : left + own]
    method = cv2.INTER_AREA if own > side else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(square, (side, side), interpolation=method), np.uint8)


def to_frame(picture: Picture, width: int = 640, height: int = 480) -> Picture:
    """The middle of a picture (H, W, 3) with the proportions of a webcam's frame, resized to it."""
    factor = max(height / picture.shape[0], width / picture.shape[1])
    rows, columns = round(height / factor), round(width / factor)
    top, left = (picture.shape[0] - rows) // 2, (picture.shape[1] - columns) // 2
    middle = picture[top : top + rows, left : left + columns]
    method = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(middle, (width, height), interpolation=method), np.uint8)


def to_tensor(pictures: NDArray[np.uint8]) -> Tensor:
    """(B, H, W, 3) uint8 to (B, 3, H, W) float 0..1, channels last in memory."""
    planes = torch.from_numpy(np.ascontiguousarray(pictures)).permute(0, 3, 1, 2)
    return planes.float().div_(255).contiguous(memory_format=torch.channels_last)


def to_picture(planes: Tensor) -> Picture:
    """(3, H, W) float to (H, W, 3) uint8, clipped to 0..1 and rounded."""
    levels = (planes.detach().clamp(0, 1) * 255).round().byte().cpu()
    return levels.permute(1, 2, 0).contiguous().numpy()
