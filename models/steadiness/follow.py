"""Moves a shown painting along with what moves in front of the camera.

A generator paints what moves anew in each frame, with strokes that are never quite where they
were: they shimmer. Where optical flow (DIS, Kroeger et al. 2016, through OpenCV) explains how a
frame came from the one before, part of the old painting can be kept, moved along.
"""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from models.pictures import RGB

Floats = NDArray[np.float32]

LONGER_SIDE = 320
"""Pixels, about, of the grey pictures whose flow is taken; twice as many take three times as long
and find little more."""
FINEST = 1
"""The flow is taken at half of their resolution."""
MARGIN = 12
"""Grey pixels around what moves: as far as flow looks for where a thing came from."""
LEAST_SIDE = 64
"""Grey pixels: of smaller pictures, DIS takes no flow."""
NO_DOUBT = 1.0
"""Levels of grey: a place moves only if that explains so much more than standing still."""
STRIP = 16
"""Rows that are moved at a time, from the first to the last column that moves."""
DOUBT = np.ones((5, 5), np.uint8)
"""Around what is not explained, nothing is trusted."""
UNEXPLAINED = 24.0
"""Levels of grey by which a place may differ from where it is said to have come from; half of that
raises no doubt."""


AREA = (5, 5)
"""Grey pixels that are compared at a time."""


@dataclass(frozen=True)
class Region:
    """A rectangle of a picture: rows `top` to `bottom`, columns `left` to `right`."""

    top: int
    bottom: int
    left: int
    right: int

    @property
    def slices(self) -> tuple[slice, slice]:
        return slice(self.top, self.bottom), slice(self.left, self.right)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height, as OpenCV has it."""
        return self.right - self.left, self.bottom - self.top

    def scaled(self, rows: float, columns: float) -> "Region":
        """The same rectangle of a picture with so many times the rows and columns."""
        return Region(
            round(self.top * rows),
            round(self.bottom * rows),
            round(self.left * columns),
            round(self.right * columns),
        )


class Follower:
    """Remembers the frame before. For one thread."""

    def __init__(self) -> None:
        self._flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)
        self._flow.setFinestScale(FINEST)
        self._before: RGB | None = None
        self._now: RGB | None = None
        self._old = np.empty((0, 0, 3), np.float32)
        self._grid = self._places = np.empty((0, 0, 2), np.float32)

    def forget(self) -> None:
        """Begin anew with the next frame."""
        self._before = self._now = None

    def see(self, frame: RGB) -> None:
        """The next frame (H, W, 3) uint8 RGB; one of another size begins anew."""
        self._before, self._now = self._now, _small(frame)
        if self._before is not None and self._before.shape != self._now.shape:
            self._before = None

    def move(self, held: Floats, moving: Floats) -> Floats | None:
        """Move `held` (H, W, 3), in place, from where it was in the frame before to where it is.

        Only where `moving`, a grid of 0..1, says that something does. Returns how well that
        explains the frame, a finer grid of 0..1, 0 around whatever moves; or None, with nothing
        moved.
        """
        if self._before is None or self._now is None or not moving.any():
            return None
        height, width = self._now.shape[:2]
        mask = np.asarray(cv2.resize(moving, (width, height)), np.float32)
        region = _around(mask)
        if min(region.size) < LEAST_SIDE:
            return None
        before, now = self._before[region.slices], self._now[region.slices]
        unknown: Any = None  # the stub wants a flow to begin with
        flow = np.asarray(self._flow.calc(_grey(now), _grey(before), unknown), np.float32)
        came = _found(before, flow + _grid(*now.shape[:2]), cv2.INTER_LINEAR)
        unlike, stood = _unlike(came, now), _unlike(before, now)
        moves = (stood >= unlike + NO_DOUBT) & (mask[region.slices] > 0)
        flow = np.asarray(cv2.copyTo(flow, moves.view(np.uint8)), np.float32)  # 0 elsewhere
        unlike = np.minimum(unlike, stood)
        explained = np.zeros((height, width), np.float32)
        explained[region.slices] = cv2.erode(np.clip(1.5 - unlike / UNEXPLAINED, 0, 1), DOUBT)
        rows, columns = held.shape[0] / height, held.shape[1] / width
        flow *= np.array([columns, rows], np.float32)
        self._move_region(held, flow, moves, region.scaled(rows, columns))
        return explained

    def _move_region(
        self, held: Floats, flow: Floats, moves: NDArray[np.bool_], region: Region
    ) -> None:
        """Fill the places of `held` (H, W, 3) that move with what `flow` finds there.

        `flow` (h, w, 2), in pixels of `held`, and `moves` (h, w) cover `region` of it.
        """
        if self._old.shape != held.shape:
            self._old, self._grid = np.empty_like(held), _grid(*held.shape[:2])
            self._places = np.empty_like(self._grid)
        old, places = self._old[region.slices], self._places[region.slices]
        held, width, height = held[region.slices], *region.size
        np.copyto(old, held)
        cv2.resize(flow, region.size, dst=places, interpolation=cv2.INTER_LINEAR)
        places += self._grid[:height, :width]
        rows, columns = height / moves.shape[0], width / moves.shape[1]
        for first in range(0, len(moves), STRIP):
            found = np.flatnonzero(moves[first : first + STRIP].any(axis=0))
            if not found.size:
                continue
            top, bottom = round(first * rows), round(min(first + STRIP, len(moves)) * rows)
            left, right = round(found[0] * columns), round((found[-1] + 1) * columns)
            here = slice(top, bottom), slice(left, right)
            held[here] = _found(old, places[here], cv2.INTER_CUBIC)


def _small(frame: RGB) -> RGB:
    height, width = frame.shape[:2]
    factor = max(1, round(max(height, width) / LONGER_SIDE))  # whole ones are quick
    size = (max(1, width // factor), max(1, height // factor))
    return np.asarray(cv2.resize(frame, size, interpolation=cv2.INTER_AREA), np.uint8)


def _grey(rgb: RGB) -> NDArray[np.uint8]:
    return np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), np.uint8)


def _around(mask: Floats) -> Region:
    """What encloses all of `mask` above 0, with a margin."""
    sides = []
    for axis in (1, 0):
        found = np.flatnonzero(mask.any(axis=axis))
        length = mask.shape[1 - axis]
        first, last = int(found[0]) - MARGIN, int(found[-1]) + 1 + MARGIN
        missing = max(0, LEAST_SIDE - (last - first))
        first, last = first - missing // 2, last + missing - missing // 2
        sides += [max(0, first), min(length, last)]
    return Region(*sides)


def _found(picture: NDArray[Any], places: Floats, interpolation: int) -> NDArray[Any]:
    """What `picture` shows at `places` (H, W, 2), columns and rows."""
    one_map: Any = None  # the stub knows only places in two maps
    border = cv2.BORDER_REPLICATE
    return np.asarray(cv2.remap(picture, places, one_map, interpolation, borderMode=border))


def _unlike(a: RGB, b: RGB) -> Floats:
    """How far the surroundings of each pixel (H, W) differ, in levels of the channel that does
    most."""
    red, green, blue = cv2.split(cv2.blur(cv2.absdiff(a, b), AREA))
    return np.asarray(cv2.max(cv2.max(red, green), blue), np.float32)


def _grid(height: int, width: int) -> Floats:
    """Column and row of each pixel (H, W, 2)."""
    grid = np.empty((height, width, 2), np.float32)
    grid[..., 0], grid[..., 1] = np.arange(width), np.arange(height)[:, None]
    return grid
