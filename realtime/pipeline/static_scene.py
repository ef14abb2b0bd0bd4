"""Tells whether a scene is unchanged since it was last painted and need not be painted again.

The comparison is pure, and cheap beside any generator (figures: docs/config.md). Each frame is
compared with the last painted frame, not with the previous frame. So a slow change adds up until
it is noticed, and the picture never freezes.
"""

from collections.abc import Hashable

import cv2

from models.pictures import RGB

SPOT = 24
"""A single value that differs by this many levels is a change. Sensor noise of sigma 2 reaches
differences of about 15 between two frames of a million pixels."""
DRIFT = 2.0
"""A block whose mean differs by this many levels is a change; noise moves it by less than 1."""
BLOCK = 64
"""Side of a block, in pixels."""
ROW_STEP = 32
"""One row out of this many enters the means."""


def scene_changed(before: RGB, now: RGB) -> bool:
    """Whether two frames (H, W, 3) differ by more than noise.

    They do if one value anywhere differs by SPOT levels or more, if the mean of a block of BLOCK
    pixels' side differs by DRIFT levels or more in a channel, or if the sizes differ.
    """
    if before is now:  # a picture file gives the same array again
        return False
    if before.shape != now.shape:
        return True
    if cv2.norm(before, now, cv2.NORM_INF) >= SPOT:
        return True
    height, width = now.shape[:2]
    difference = cv2.subtract(now[::ROW_STEP], before[::ROW_STEP], dtype=cv2.CV_32F)
    blocks = (-(-width // BLOCK), -(-height // BLOCK))
    means = cv2.resize(difference, blocks, interpolation=cv2.INTER_AREA)
    return bool(abs(means).max() >= DRIFT)


class PaintingCache:
    """The newest painting, the frame it was made from, and how. To be used by one thread only."""

    def __init__(self) -> None:
        self._kept: tuple[RGB, Hashable, RGB] | None = None

    def get(self, rgb: RGB, how: Hashable) -> RGB | None:
        """The painting if `rgb` shows the same scene and `how` is unchanged; otherwise None."""
        if self._kept is None:
            return None
        before, painted_how, painting = self._kept
        return painting if how == painted_how and not scene_changed(before, rgb) else None

    def put(self, rgb: RGB, how: Hashable, painting: RGB) -> None:
        """Remember the painting of `rgb`. Neither array may be written to afterwards."""
        self._kept = (rgb, how, painting)
