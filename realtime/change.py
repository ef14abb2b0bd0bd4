"""Tells whether a scene still is what was painted last, so that it need not be painted again.

Pure, and cheap beside any generator (docs/config.md has the figures). Each frame is compared with
the one that was painted last, not with the one before it: so a slow change adds up until it is
seen, and nothing freezes.
"""

from collections.abc import Hashable

import cv2

from realtime.frame import RGB

SPOT = 24
"""Levels by which one value must differ to count alone. Sensor noise of sigma 2 differs by up to
about 15 between two frames of a million pixels."""
DRIFT = 2.0
"""Levels by which a block's mean must differ: what noise leaves of itself there is below 1."""
BLOCK = 64
"""Side of a block, in pixels."""
ROW_STEP = 32
"""Of how many rows one enters the means."""


def changed(before: RGB, now: RGB) -> bool:
    """Whether anything happened between two frames (H, W, 3) that is not noise.

    Seen is one value anywhere that differs by SPOT levels or more, or a block of BLOCK pixels'
    side whose mean differs by DRIFT levels or more in a channel; and another size.
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


class LastPainting:
    """The newest painting, what it was painted from, and how. One thread."""

    def __init__(self) -> None:
        self._kept: tuple[RGB, Hashable, RGB] | None = None

    def of(self, rgb: RGB, how: Hashable) -> RGB | None:
        """The painting, where `rgb` shows the same scene and `how` is what it was painted with."""
        if self._kept is None:
            return None
        before, painted_how, painting = self._kept
        return painting if how == painted_how and not changed(before, rgb) else None

    def keep(self, rgb: RGB, how: Hashable, painting: RGB) -> None:
        """Neither picture may be written to afterwards."""
        self._kept = (rgb, how, painting)
