"""The matrices between RGB and the luma and chroma of video. Pure."""

import numpy as np
from numpy.typing import NDArray


def video_matrix(red: float, blue: float) -> NDArray[np.float64]:
    """The matrix (3, 4) from levels R, G, B and a 1 to Y in 16..235 and Cb, Cr in 16..240.

    `red` and `blue` are their weights in luma.
    """
    luma = np.array([red, 1 - red - blue, blue])
    cb = (np.array([0, 0, 1]) - luma) / (2 * (1 - blue))
    cr = (np.array([1, 0, 0]) - luma) / (2 * (1 - red))
    gains = np.stack([luma * 219, cb * 224, cr * 224]) / 255
    return np.column_stack([gains, [16, 128, 128]])


def inverse(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """The matrix (3, 4) that undoes `matrix` (3, 4)."""
    back = np.linalg.inv(matrix[:, :3])
    return np.column_stack([back, -back @ matrix[:, 3]])


BT709, BT601 = video_matrix(0.2126, 0.0722), video_matrix(0.299, 0.114)
