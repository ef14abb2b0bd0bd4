"""Converts RGB to the planes that video encoders take. Uses OpenCV and PyAV's frames.

FFmpeg's own conversion gives the same, within a level of luma and about four of chroma, but takes
two to three times as long (1280×720, AVX2). For a part of that time it holds Python's global
lock (GIL), so that the painting waits.
"""

import av
import cv2
import numpy as np
from av.video.reformatter import ColorRange, Colorspace
from numpy.typing import NDArray

from models.pictures import RGB
from realtime.frames.video_matrix import BT601, BT709

HD_HEIGHT = 720
"""Players that see no colour tag use the BT.709 matrix from this height on, and BT.601 below."""


def to_yuv(rgb: RGB) -> av.VideoFrame:
    """RGB (H, W, 3) as yuv420p, video range; an odd side repeats its last line or column."""
    rows, columns = rgb.shape[:2]
    hd = rows >= HD_HEIGHT
    if rows % 2 or columns % 2:
        rgb = np.pad(rgb, ((0, rows % 2), (0, columns % 2), (0, 0)), mode="edge")
    height, width = rgb.shape[:2]
    frame = av.VideoFrame(width, height, "yuv420p")
    frame.colorspace = Colorspace.ITU709 if hd else Colorspace.ITU601
    frame.color_range = ColorRange.MPEG
    matrix = BT709 if hd else BT601
    small = cv2.resize(rgb, (width // 2, height // 2), interpolation=cv2.INTER_AREA)
    # Converts all three channels and picks one: OpenCV is fast only from three channels to three.
    for source, channels in ((rgb, (0,)), (small, (1, 2))):
        converted = cv2.transform(source, matrix)
        for channel in channels:
            cv2.extractChannel(converted, channel, _plane(frame, channel))
    return frame


def _plane(frame: av.VideoFrame, index: int) -> NDArray[np.uint8]:
    """A plane (H, W) of `frame` itself, to write into, without the padding of its lines."""
    plane = frame.planes[index]
    lines = np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, plane.line_size)
    return lines[:, : plane.width]
