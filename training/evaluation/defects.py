"""Defects that the losses do not show: spots, unpainted areas, collapse to one colour.

Pure functions of three pictures (H, W, 3) uint8 RGB: source, painted (of the same size) and
style. Small networks are prone to all three flaws; the classic remedy is a burst of high learning
rate (repair.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from training.data.tensors import Picture

Mask = NDArray[np.bool_]

WINDOW = 5
"""Side in pixels of the window in which flatness is measured."""
DEAD_RANGE = 3.0
"""A window is flat up to this range of levels (of 255): no paint, no noise, no stroke."""
ALIVE_RANGE = 8.0
"""A window of the source has detail from this range of levels on; flat paint there has lost it."""
ODD = 70.0
"""A flat area beyond this difference in levels has another colour than the source: black on a
bright wall, for example."""
EDGE = 30.0
"""Least difference in levels, in the worst channel, between a spot and its surroundings."""
SMALLEST_SPOT = 16
"""Least area of a spot in pixels (4 × 4); smaller ones are not visible."""
SPOTTED = 0.0005
"""Largest healthy share of spots: about 32 pixels of 256 × 256."""
DEAD = 0.05
COLLAPSED = 6.0
"""Below this standard deviation of luma, in levels, a picture counts as one colour."""


@dataclass(frozen=True)
class PaintingDefects:
    """The flaws of one painting: the shares 0..1 of its area that are spots and that are dead,
    and whether it is in one colour although source and style are not."""

    spots: float
    dead: float
    collapsed: bool

    @property
    def description(self) -> str | None:
        """What is wrong, in words; None for a healthy painting."""
        if self.collapsed:
            return "everything in one colour"
        if self.spots > SPOTTED:
            return f"spots on {self.spots:.1%} of the picture"
        if self.dead > DEAD:
            return f"no paint on {self.dead:.0%} of the picture"
        return None

    @property
    def severity(self) -> float:
        """0 for a healthy painting; otherwise the share of it that is flawed, up to 1."""
        if self.description is None:
            return 0.0
        return 1.0 if self.collapsed else min(1.0, self.spots + self.dead)


@dataclass(frozen=True)
class GeneratorDefects:
    """The defects of several paintings by one generator."""

    paintings: list[PaintingDefects]

    @property
    def description(self) -> str | None:
        """What is wrong with the worst painting, and how many have a defect; None if none has."""
        defective = [defects for defects in self.paintings if defects.description is not None]
        if not defective:
            return None
        worst = max(defective, key=lambda defects: defects.severity)
        return f"{worst.description} ({len(defective)} of {len(self.paintings)} paintings)"

    @property
    def severity(self) -> float:
        """The mean illness of the paintings."""
        return sum(defects.severity for defects in self.paintings) / len(self.paintings)

    def __str__(self) -> str:
        return self.description or "nothing wrong"


def find_defects(
    sources: Sequence[Picture], paintings: Sequence[Picture], styles: Sequence[Picture]
) -> GeneratorDefects:
    """Examine each painting of a source. With several styles, only what no style explains counts:
    each painting gets the best of its results."""
    return GeneratorDefects(
        [
            min(
                (examine_painting(source, painted, x) for x in styles),
                key=lambda defects: defects.severity,
            )
            for source, painted in zip(sources, paintings, strict=True)
        ]
    )


def examine_painting(source: Picture, painted: Picture, style: Picture) -> PaintingDefects:
    """The health of one painting.

    A spot is a flat blob whose colour is neither that of the source there nor that of a flat area
    of the style, with an edge all around that the source lacks: a hole, mostly black. Dead is the
    share that is flat where the source has detail (a stylised picture has strokes there), minus
    the style's own share of flat area.
    """
    flat = _range(painted) <= DEAD_RANGE
    style_flat = _range(style) <= DEAD_RANGE
    odd = flat & (np.abs(_levels(painted) - _levels(source)).max(axis=-1) > ODD)
    spots = _holes(odd & ~_known(painted, style[style_flat]), source, painted)
    lost = flat & (_range(source) >= ALIVE_RANGE)
    dead = max(0.0, float(lost.mean()) - float(style_flat.mean()))
    deviation = float(_luma(painted).std())
    collapsed = deviation < COLLAPSED < min(_luma(source).std(), _luma(style).std())
    return PaintingDefects(float(spots.mean()), dead, bool(collapsed))


def _levels(picture: Picture) -> NDArray[np.float32]:
    return picture.astype(np.float32)


def _luma(picture: Picture) -> NDArray[np.float32]:
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), np.float32)


def _range(picture: Picture) -> NDArray[np.float32]:
    """Largest minus smallest level in the window around each pixel, in the worst channel."""
    kernel = np.ones((WINDOW, WINDOW), np.uint8)
    spread = cv2.dilate(picture, kernel).astype(np.float32) - cv2.erode(picture, kernel)
    return np.asarray(spread.max(axis=-1), np.float32)


def _known(painted: Picture, colours: NDArray[np.uint8]) -> Mask:
    """Where the colour is near one of `colours` (N, 3): in the same or a next cell of 16 levels."""
    cells = np.zeros((18, 18, 18), np.uint8)  # with an empty cell around: black is not near white
    cells[tuple((colours // 16 + 1).T)] = 1
    near = cells
    for axis in range(3):  # add the neighbouring cells
        near = near | np.roll(near, 1, axis) | np.roll(near, -1, axis)
    return np.asarray(near[tuple(np.moveaxis(painted // 16 + 1, -1, 0))], bool)


def _holes(mask: Mask, source: Picture, painted: Picture) -> Mask:
    """The connected regions of at least SMALLEST_SPOT pixels that look cut out.

    Flat windows lie wholly inside a spot, so `mask` is first grown back to the spot's size. A
    region looks cut out if its colour is far from that of the ring around it, and the source's
    colour is not: a sky in another colour has edges only where the source has them.
    """
    kernel = np.ones((WINDOW, WINDOW), np.uint8)
    grown = cv2.dilate(mask.astype(np.uint8), kernel)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(grown, connectivity=8)
    out = np.zeros(mask.shape, bool)
    before, after = _levels(source), _levels(painted)
    for label in range(1, count):
        blob = labels == label
        ring = cv2.dilate(blob.astype(np.uint8), kernel, iterations=2).astype(bool) & ~blob
        if stats[label, cv2.CC_STAT_AREA] < SMALLEST_SPOT or not ring.any():
            continue
        edges = [
            float(np.abs(x[blob].mean(axis=0) - np.median(x[ring], axis=0)).max())
            for x in (before, after)
        ]
        if edges[1] > EDGE and edges[1] > 2 * edges[0]:
            out |= blob
    return out
