"""The built-in source: a portrait as a hand-held camera would see it, and shapes that move.

The portrait is NASA's of astronaut Eileen Collins, in the public domain.
"""

import math
from pathlib import Path

import cv2
import numpy as np

from models.pictures import RGB
from realtime.frames.frame import Frame, FrameFormat
from realtime.sources import EndOfSource, Source
from realtime.sources.image import read_picture
from realtime.sources.playback_clock import PlaybackClock

PORTRAIT = Path(__file__).with_name("astronaut.jpg")
DEFAULT_SIZE = (640, 480)
DEFAULT_FPS = 30.0

SUBPIXEL_BITS = 4
"""OpenCV draws at positions of 1/16 pixel, so that slow shapes do not jump."""


class Demo(Source):
    """Frames of `width` × `height` at `fps`, each determined by its index alone; no end.

    If `paced`, it keeps its rate as a camera does; otherwise it gives frames at once.
    `close` may come from another thread and wakes a waiting reader.
    """

    def __init__(
        self,
        *,
        width: int | None = None,
        height: int | None = None,
        fps: float | None = None,
        paced: bool,
    ) -> None:
        self._width, self._height = complete_size(width, height)
        self._fps = fps or DEFAULT_FPS
        self._paced = paced
        self._clock = PlaybackClock(paced=paced)
        self._portrait: RGB | None = None
        self._index = 0

    def open(self) -> FrameFormat:
        self._portrait = enlarge(read_picture(PORTRAIT), self._width, self._height)
        self._clock.start()
        return FrameFormat(self._width, self._height, self._fps, live=self._paced)

    def read(self) -> Frame:
        portrait = self._portrait
        if portrait is None:
            raise EndOfSource
        timestamp = self._index / self._fps
        rgb = paint(portrait, self._width, self._height, timestamp)
        captured = self._clock.wait(timestamp)
        self._index += 1
        return Frame(rgb, self._index - 1, captured, timestamp)

    def close(self) -> None:
        self._clock.stop()
        self._portrait = None


def complete_size(width: int | None, height: int | None) -> tuple[int, int]:
    """The size asked for; one side alone keeps the proportions of the default."""
    default_width, default_height = DEFAULT_SIZE
    if width is None and height is None:
        return DEFAULT_SIZE
    if width is None:
        assert height is not None
        return max(1, round(height * default_width / default_height)), height
    return width, height or max(1, round(width * default_height / default_width))


def enlarge(portrait: RGB, width: int, height: int) -> RGB:
    """The square portrait at the scale of the output, sharpened against the blur of enlarging.

    Done once, so that a frame costs one bilinear warp at a scale near 1.
    """
    side = max(width, height)
    interpolation = cv2.INTER_AREA if side <= portrait.shape[0] else cv2.INTER_LANCZOS4
    resized = cv2.resize(portrait, (side, side), interpolation=interpolation)
    spread = max(0.8, side / portrait.shape[0] / 2)
    blurred = cv2.GaussianBlur(resized, (0, 0), spread)
    return np.asarray(cv2.addWeighted(resized, 1.8, blurred, -0.8, 0), dtype=np.uint8)


def paint(portrait: RGB, width: int, height: int, seconds: float) -> RGB:
    """The frame (height, width, 3) at a moment; the portrait (n, n, 3) fills all of it."""
    view = camera_view(portrait.shape[0], width, height, seconds)
    # The view stays inside; the border mode is for its outermost half pixel.
    warped = cv2.warpAffine(
        portrait,
        view,
        (width, height),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REFLECT_101,
    )
    rgb = np.asarray(warped, dtype=np.uint8)
    draw_shapes(rgb, seconds)
    return rgb


def camera_view(side: int, width: int, height: int, seconds: float) -> np.ndarray:
    """The 2×3 map from output pixels to those of a square portrait: pan, zoom and rotation.

    The frequencies have only 0.01 rad/s in common: the motion repeats after about 10 minutes.
    """
    zoom = 1.22 + 0.10 * math.sin(seconds * 0.31) + 0.012 * math.sin(seconds * 2.3)
    angle = math.radians(1.6 * math.sin(seconds * 0.47) + 0.5 * math.sin(seconds * 1.9 + 1))
    across = 0.42 + 0.28 * math.sin(seconds * 0.37 + 2) + 0.04 * math.sin(seconds * 1.7)
    down = 0.20 + 0.14 * math.sin(seconds * 0.29 + 4) + 0.03 * math.sin(seconds * 2.1)

    scale = side / max(width, height) / zoom
    cos, sin = scale * math.cos(angle), scale * math.sin(angle)
    # Half the extent of the rotated view: the centre keeps that far from the portrait's edges.
    reach_x = (width * abs(cos) + height * abs(sin)) / 2
    reach_y = (height * abs(cos) + width * abs(sin)) / 2
    x = reach_x + (side - 2 * reach_x) * across
    y = reach_y + (side - 2 * reach_y) * down
    left = x - cos * width / 2 + sin * height / 2
    top = y - sin * width / 2 - cos * height / 2
    return np.array([[cos, -sin, left], [sin, cos, top]])


def draw_shapes(rgb: RGB, seconds: float) -> None:
    """Draw, in place, a ball, a turning triangle and a bar that pass through at their own pace."""
    height, width = rgb.shape[:2]
    unit = min(width, height)
    one = 1 << SUBPIXEL_BITS

    def path(speed: float, start: float) -> float:
        """From -0.2 to 1.2 of the width, over and over: in on one side, out on the other."""
        return (start + speed * seconds) % 1.4 - 0.2

    bounce = abs(math.sin(seconds * 1.9))
    ball = (path(0.16, 0.3) * width, (0.90 - 0.35 * bounce) * height)
    center, radius = (round(ball[0] * one), round(ball[1] * one)), round(0.06 * unit * one)
    cv2.circle(rgb, center, radius, (246, 190, 48), -1, cv2.LINE_AA, SUBPIXEL_BITS)

    spin = seconds * 0.8
    middle = np.array([(1 - path(0.11, 0.25)) * width, (0.16 + 0.05 * math.sin(seconds)) * height])
    corners = spin + np.arange(3) * (2 * math.pi / 3)
    triangle = middle + 0.085 * unit * np.stack([np.cos(corners), np.sin(corners)], axis=1)
    points = np.round(triangle * one).astype(np.int32)
    cv2.fillConvexPoly(rgb, points, (38, 166, 154), cv2.LINE_AA, SUBPIXEL_BITS)

    tilt = 0.5 * math.sin(seconds * 0.6)
    end = 0.11 * unit * np.array([math.sin(tilt), math.cos(tilt)])
    bar = np.array([path(0.07, 1.1) * width, 0.52 * height])
    start, stop = np.round((bar - end) * one).astype(int), np.round((bar + end) * one).astype(int)
    thickness = max(1, round(0.035 * unit))
    cv2.line(rgb, start, stop, (94, 53, 177), thickness, cv2.LINE_AA, SUBPIXEL_BITS)
