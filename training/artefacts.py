"""What the architecture alone leaves in a painting: a grid of its strides, a frame at its borders.

Figures are levels of 255, so that they can be held against what an eye sees: about one level of
a regular pattern on a flat area, about three of a strip along a border. They know no files.
"""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Painter = Callable[[Picture], Picture]
"""(H, W, 3) uint8 RGB to the same."""
Change = NDArray[np.float32]
"""(H, W, 3) float32 RGB, levels of 255: painted minus source."""

PERIODS = (2, 4, 8)
BLOCK = 64
"""Side of a block of the spectrum: a multiple of every period, so that each has its own bin."""
NEIGHBOURS = (3, 4, 5)
"""Bins away from a peak: outside the window's main lobe, and short of the next peak's."""
MASKED = 2.0
"""Times the power of its surroundings up to which strokes hide a peak, or are one by chance."""
VISIBLE_GRID = 1.0

BORDER = 16
LINE = 4
VISIBLE_FRAME = 3.0

FLAT_SIDE = 160
FLAT_COLOURS = ((20, 20, 30), (128, 128, 128), (220, 190, 160), (60, 110, 190), (235, 235, 225))
FLAT_DRAWS = 4
NOISE = 2.0
"""Levels of camera noise on a flat picture: on a constant one a network cannot draw strokes."""
CUT = 384
"""Pixels cut off a picture on each side: more than a network's reach, and a
multiple of every stride."""
WHOLE_SIDE = 2 * CUT + 128
"""Pixels of each side of a photograph whose middle is painted alone."""


def change_of(source: Picture, painted: Picture) -> Change:
    """Painted minus source, both (H, W, 3) uint8 RGB."""
    return painted.astype(np.float32) - source.astype(np.float32)


def grid_peak(change: Change) -> float:
    """Amplitude, in levels of 255, of the strongest wave of period 2, 4 or 8 pixels.

    Read from the power spectrum, averaged over half overlapping blocks (Welch 1967) and over the
    channels: a grid counts even where its sign or strength varies over the picture. What is not
    above twice the power of its surroundings is no peak: 0. VISIBLE_GRID and more can be seen on
    a flat area. Smaller pictures than 64 × 64 are repeated by reflection.
    """
    power = _spectrum(change)
    lattice = sorted({BLOCK // p * k % BLOCK for p in PERIODS for k in range(p)})
    peaks = [
        power[y, x] - MASKED * _surroundings(power, y, x) for y in lattice for x in lattice if x | y
    ]
    # A real wave stands at two bins of the spectrum; Hann's coherent gain makes up the rest.
    return float(2 * np.sqrt(max(0.0, *peaks)))


def _spectrum(change: Change) -> NDArray[np.float64]:
    """Mean squared amplitude (64, 64) of a wave exp(2πi(ky·y + kx·x)/64)."""
    pads = [(0, max(0, BLOCK - side)) for side in change.shape[:2]]
    change = np.pad(change, [*pads, (0, 0)], mode="symmetric")
    window = np.outer(np.hanning(BLOCK + 1)[:-1], np.hanning(BLOCK + 1)[:-1])[..., None]
    height, width = change.shape[:2]
    power, count = np.zeros((BLOCK, BLOCK)), 0
    for top in range(0, height - BLOCK + 1, BLOCK // 2):
        for left in range(0, width - BLOCK + 1, BLOCK // 2):
            block = change[top : top + BLOCK, left : left + BLOCK].astype(np.float64)
            block = (block - block.mean(axis=(0, 1))) * window
            waves = np.fft.fft2(block, axes=(0, 1)) / window.sum()
            power += np.square(np.abs(waves)).mean(axis=-1)
            count += 1
    return power / count


def _surroundings(power: NDArray[np.float64], y: int, x: int) -> float:
    """The power around a bin, along its row or its column, whichever is more.

    Natural pictures have ridges along both axes of their spectrum: not a grid.
    """
    steps = [sign * step for step in NEIGHBOURS for sign in (-1, 1)]
    along = np.median([power[y, (x + step) % BLOCK] for step in steps])
    across = np.median([power[(y + step) % BLOCK, x] for step in steps])
    return float(max(along, across))


def border_contrast(change: Change) -> float:
    """How far the mean change along any one side is from the inside's, in levels of 255.

    Compared with everything farther inside are the outer 16 pixels and, at half weight (a line
    must be twice as strong to be seen), the outer 4; root mean square over the channels, the
    worst of the four sides. VISIBLE_FRAME and more can be seen. Meant for changes of flat
    pictures, for means over many pictures, and for what a border alone changes (`border`): the
    sides of one photograph differ from its middle by themselves. Sides of 48 and more.
    """
    inside = change[BORDER:-BORDER, BORDER:-BORDER].mean(axis=(0, 1))

    def worst(width: int) -> float:
        strips = (change[:width], change[-width:], change[:, :width], change[:, -width:])
        means = [strip.mean(axis=(0, 1)) - inside for strip in strips]
        return float(max(np.sqrt(np.square(mean).mean()) for mean in means))

    return max(worst(BORDER), worst(LINE) / 2)


def grid(painter: Painter, sources: list[Picture]) -> float:
    """The peak on flat pictures, the worst, or its mean over `sources`, whichever is more."""
    flat = [grid_peak(change_of(x, painter(x))) for x in _flat_pictures(draws=1)]
    natural = [grid_peak(change_of(x, painter(x))) for x in sources]
    return max(*flat, float(np.mean(natural)))


def border(painter: Painter, sources: list[Picture]) -> float:
    """The contrast on noisy flat pictures of one colour, the worst, or on `sources`, if more.

    It is that of the middle of a picture painted alone against the middle of the whole painted:
    what is there is the same, so what differs the border made. Averaged over the pictures of a
    colour, and over all `sources`, first: strokes fall anywhere, a frame stands still. Sources
    (H, W, 3) are enlarged to WHOLE_SIDE.
    """
    flat = _flat_pictures(draws=FLAT_DRAWS, side=FLAT_SIDE + 2 * CUT)
    changes = np.stack([border_change(painter, x) for x in flat])
    colours = np.split(changes, len(FLAT_COLOURS))
    return max(
        *(border_contrast(colour.mean(axis=0)) for colour in colours),
        border_contrast(np.mean([border_change(painter, _large(x)) for x in sources], axis=0)),
    )


def border_change(painter: Painter, source: Picture) -> Change:
    """The middle of a picture painted alone, minus the middle of the picture painted."""
    alone = painter(np.ascontiguousarray(_middle(source)))
    return change_of(_middle(painter(source)), alone)


def _middle(picture: Picture) -> Picture:
    return picture[CUT:-CUT, CUT:-CUT]


def _large(picture: Picture) -> Picture:
    size = (WHOLE_SIDE, WHOLE_SIDE)
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_CUBIC), np.uint8)


def _flat_pictures(*, draws: int, side: int = FLAT_SIDE) -> list[Picture]:
    """Each colour as it is where one draw is asked for, else that often with camera noise."""
    random = np.random.default_rng(0)
    pictures = []
    for colour in FLAT_COLOURS:
        plain = np.full((side, side, 3), colour, np.float32)
        for _ in range(draws):
            noise = random.normal(0, NOISE, plain.shape) if draws > 1 else 0
            pictures.append((plain + noise).round().clip(0, 255).astype(np.uint8))
    return pictures
