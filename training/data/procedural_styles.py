"""Procedural style pictures: free of copyright, of any size, reproducible from a seed.

Large shapes (a tenth to a third of the width), a bold palette and strong edges: features that a
Gram matrix can capture and a small generator can paint.
"""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from models.pictures import RGB


def _palette(*colours: str) -> NDArray[np.float32]:
    """Hexadecimal RRGGBB to (N, 3) float32 0..255."""
    return np.array([list(bytes.fromhex(c)) for c in colours], np.float32)


def _cells(side: int, count: int, random: np.random.Generator) -> tuple[NDArray, NDArray]:
    """Voronoi cells of relaxed random points.

    Returns two arrays (side, side): each pixel's cell, and about its distance from the cell's
    border, in pixels.
    """
    ys, xs = np.mgrid[0:side, 0:side].astype(np.float32)
    points = random.uniform(0, side, (count, 2)).astype(np.float32)
    for _ in range(2):  # Lloyd's relaxation makes the cells more even
        owner = _nearest(points, xs, ys)[0]
        points = np.array(
            [
                [xs[owner == i].mean(), ys[owner == i].mean()] if (owner == i).any() else points[i]
                for i in range(count)
            ],
            np.float32,
        )
    owner, gap = _nearest(points, xs, ys)
    return owner, gap


def _nearest(points: NDArray, xs: NDArray, ys: NDArray) -> tuple[NDArray, NDArray]:
    distances = np.sqrt((xs[..., None] - points[:, 0]) ** 2 + (ys[..., None] - points[:, 1]) ** 2)
    two = np.partition(distances, 1, axis=-1)[..., :2]
    return distances.argmin(-1), (two[..., 1] - two[..., 0]) / 2


def _grain(side: int, size: float, random: np.random.Generator) -> NDArray[np.float32]:
    """Smooth noise (side, side), mean 0, deviation 1, with blobs of about `size` pixels."""
    noise = random.standard_normal((side, side)).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), size)
    return np.asarray((smooth - smooth.mean()) / smooth.std(), np.float32)


def stained_glass(side: int = 768, seed: int = 0) -> RGB:
    """Glowing panes between lead lines; each pane lighter in its middle, with streaks."""
    random = np.random.default_rng(seed)
    palette = _palette("0b3d91", "1f7ae0", "c1121f", "f48c06", "ffba08", "2d6a4f", "7b2cbf")
    owner, gap = _cells(side, 60, random)
    tone = random.uniform(0.75, 1.1, 60).astype(np.float32)
    colour = palette[random.integers(len(palette), size=60)][owner] * tone[owner][..., None]
    glow = 0.72 + 0.5 * np.clip(gap / (side / 14), 0, 1)
    streaks = 1 + 0.08 * cv2.GaussianBlur(_grain(side, 2, random), (0, 0), 1, sigmaY=9)
    pane = colour * (glow * streaks)[..., None]
    lead = np.clip((gap - side / 150) / 2.5, 0, 1)[..., None]
    return (pane * lead + np.float32(18) * (1 - lead)).clip(0, 255).astype(np.uint8)


def marbling(side: int = 768, seed: int = 0) -> RGB:
    """Paper marbling: bands of ink drawn through by a comb and by eddies."""
    random = np.random.default_rng(seed)
    palette = _palette("14213d", "e63946", "f1faee", "457b9d", "fca311", "1d3557", "a8dadc")
    ys, xs = np.mgrid[0:side, 0:side].astype(np.float32) / side
    for _ in range(9):
        cx, cy, turn = *random.uniform(0, 1, 2), random.choice([-1, 1]) * random.uniform(1.2, 2.6)
        fall = np.exp(-((xs - cx) ** 2 + (ys - cy) ** 2) / 0.035)
        angle = turn * fall
        dx, dy = xs - cx, ys - cy
        xs = cx + dx * np.cos(angle) - dy * np.sin(angle)
        ys = cy + dx * np.sin(angle) + dy * np.cos(angle)
    ys = ys + 0.05 * np.sin(2 * np.pi * xs * 3) + 0.01 * _grain(side, side / 40, random)
    place = (ys * 15) % len(palette)
    band = place.astype(int) % len(palette)
    edge = np.minimum(place % 1, 1 - place % 1)
    ink = palette[band] * (1 + 0.03 * _grain(side, 1.5, random))[..., None]
    line = np.clip((edge - 0.05) / 0.04, 0, 1)[..., None]
    return (ink * line + palette[0] * (1 - line)).clip(0, 255).astype(np.uint8)


def ink_hatching(side: int = 768, seed: int = 0) -> RGB:
    """Pen strokes of a few directions over washed paper: an etching with one warm tint."""
    random = np.random.default_rng(seed)
    tone = _grain(side, side / 9, random)
    paper = _palette("f5ead6")[0] * (1 + 0.02 * _grain(side, 1.2, random))[..., None]
    wash = np.clip(0.5 + 0.5 * _grain(side, side / 7, random), 0, 1)[..., None]
    paper = paper * (1 - 0.35 * wash) + _palette("c9772b")[0] * 0.35 * wash
    ys, xs = np.mgrid[0:side, 0:side].astype(np.float32)
    wobble = 4 * _grain(side, 14, random)
    ink = np.zeros((side, side), np.float32)
    for angle, threshold in ((0.6, -0.9), (2.2, 0.1), (1.4, 0.8)):
        across = xs * np.cos(angle) + ys * np.sin(angle) + wobble
        phase = np.abs((across / (side / 55)) % 1 - 0.5) * 2
        width = np.clip((tone - threshold) * 0.5, 0, 0.75)
        ink = np.maximum(ink, np.clip((width - phase) * 5, 0, 1))
    ink = ink[..., None]
    return (paper * (1 - ink) + _palette("1c2541")[0] * ink).clip(0, 255).astype(np.uint8)


PROCEDURAL_STYLES: dict[str, Callable[[int, int], RGB]] = {
    "stained-glass": stained_glass,
    "marbling": marbling,
    "ink-hatching": ink_hatching,
}
