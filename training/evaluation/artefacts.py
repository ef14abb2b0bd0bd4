"""Measures what the architecture leaves in a painting: a grid of its strides, a frame at borders.

Figures are in levels of 255, so that they can be compared with what an eye can see: about one
level of a regular pattern on a flat area, about three of a strip along a border. Knows no files.
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
"""Distances in bins from a peak to its surroundings: outside the main lobe of the window, and
before the main lobe of the next peak."""
MASKED = 2.0
"""A peak counts from this many times the power of its surroundings: strokes hide a weaker one,
or reach it by chance."""
VISIBLE_GRID = 1.0

BORDER = 16
LINE = 4
VISIBLE_FRAME = 3.0
CHANCE = 2.0
"""Squared standard errors that are subtracted: one for the mean itself, one for the worst of four
sides."""

FLAT_SIDE = 160
FLAT_COLOURS = ((20, 20, 30), (128, 128, 128), (220, 190, 160), (60, 110, 190), (235, 235, 225))
FLAT_DRAWS = 4
NOISE = 2.0
"""Camera noise on a flat picture, in levels: on a constant one a network cannot draw strokes."""
LARGE_SIDE, INSIDE = 640, 384
"""Sides in pixels to which a photograph is enlarged, and of its middle that is judged: what is so
smooth gets few strokes of its own. Multiples of every stride."""


def change_of(source: Picture, painted: Picture) -> Change:
    """Painted minus source, both (H, W, 3) uint8 RGB."""
    return painted.astype(np.float32) - source.astype(np.float32)


def grid_peak(change: Change) -> float:
    """Amplitude, in levels of 255, of the strongest wave of period 8, 4, 8/3 or 2 pixels.

    At period 2 it is twice the amplitude. The power spectrum is averaged over half overlapping
    blocks (Welch 1967) and the channels, so a grid counts even if its sign or strength varies
    over the picture. Twice the power of the surroundings (MASKED) is subtracted; 0 if nothing is
    left. VISIBLE_GRID and more can be seen on a flat area. Sides below 64 are filled by reflection.
    """
    power = _spectrum(change)
    lattice = sorted({BLOCK // p * k % BLOCK for p in PERIODS for k in range(p)})
    peaks = [
        power[y, x] - MASKED * _surroundings(power, y, x) for y in lattice for x in lattice if x | y
    ]
    # A real wave has half its amplitude in each of two bins (all in one bin at period 2).
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
    """The median power around a bin along its row, or along its column if that is more.

    Natural pictures have ridges along both axes of their spectrum; these are no grid.
    """
    steps = [sign * step for step in NEIGHBOURS for sign in (-1, 1)]
    along = np.median([power[y, (x + step) % BLOCK] for step in steps])
    across = np.median([power[(y + step) % BLOCK, x] for step in steps])
    return float(max(along, across))


def border_contrast(changes: list[Change]) -> float:
    """How far the mean change along the worst of the four sides is from the inside's, in levels.

    The outer 16 pixels are compared with everything farther inside; so are the outer 4, at half
    weight, as a line must be twice as strong to be seen. Mean over the pictures, root mean square
    over the channels, in levels of 255; VISIBLE_FRAME and more can be seen. What strokes give by
    chance, which differs from picture to picture, is subtracted: CHANCE times the squared standard
    error of the mean. Meant for changes of flat pictures and for what a border alone changes
    (`border`): the sides of a photograph differ from its middle anyway. The pictures' sides must be
    48 or more.
    """
    return max(_worst_side(changes, BORDER), _worst_side(changes, LINE) / 2)


def _worst_side(changes: list[Change], width: int) -> float:
    contrasts = []  # of each picture: (4 sides, 3 channels)
    for change in changes:
        inside = change[BORDER:-BORDER, BORDER:-BORDER].mean(axis=(0, 1))
        strips = (change[:width], change[-width:], change[:, :width], change[:, -width:])
        contrasts.append([strip.mean(axis=(0, 1)) - inside for strip in strips])
    each = np.asarray(contrasts, np.float64)
    chance = each.var(axis=0, ddof=1) / len(each) if len(each) > 1 else 0.0
    squares = np.square(each.mean(axis=0)) - CHANCE * chance
    return float(np.sqrt(max(0.0, squares.mean(axis=-1).max())))


def grid(painter: Painter, sources: list[Picture]) -> float:
    """`flat_grid`, or the mean of `grid_peak` over `sources` if that is more."""
    natural = [grid_peak(change_of(x, painter(x))) for x in sources]
    return max(flat_grid(painter), float(np.mean(natural)))


def flat_grid(painter: Painter) -> float:
    """The largest `grid_peak` on flat pictures."""
    return max(grid_peak(change_of(x, painter(x))) for x in _flat_pictures(draws=1))


def border(painter: Painter, sources: list[Picture]) -> float:
    """`flat_border`, or `natural_border` of `sources` if there are any and it is more.

    A picture's painting is compared with the painting of the same picture in a ring of its mirror
    images, where it has no border. (In other surroundings a generator whose channels go by the
    means of the whole picture would paint it differently all over.) The contrast is that of all
    pictures of a colour, and of all `sources`: strokes fall anywhere, a frame stands still.
    """
    flat = flat_border(painter)
    return max(flat, natural_border(painter, sources)) if sources else flat


def flat_border(painter: Painter) -> float:
    """The largest `border_contrast` on noisy flat pictures."""
    changes = [border_change(painter, x) for x in _flat_pictures(draws=FLAT_DRAWS)]
    groups = [changes[i : i + FLAT_DRAWS] for i in range(0, len(changes), FLAT_DRAWS)]
    return max(border_contrast(group) for group in groups)


def natural_border(painter: Painter, sources: list[Picture]) -> float:
    """The `border_contrast` on pictures (H, W, 3), which are enlarged to LARGE_SIDE."""
    return border_contrast([border_change(painter, _smooth(x)) for x in sources])


def border_change(painter: Painter, source: Picture) -> Change:
    """The picture's painting, minus that of the same picture amid its mirror images."""
    height, width = source.shape[:2]
    amid = np.pad(source, ((height, height), (width, width), (0, 0)), mode="symmetric")
    inside = painter(amid)[height : 2 * height, width : 2 * width]
    return change_of(inside, painter(source))


def _smooth(picture: Picture) -> Picture:
    size, cut = (LARGE_SIDE, LARGE_SIDE), (LARGE_SIDE - INSIDE) // 2
    large = cv2.resize(picture, size, interpolation=cv2.INTER_CUBIC)
    return np.ascontiguousarray(large[cut:-cut, cut:-cut], np.uint8)


def _flat_pictures(*, draws: int) -> list[Picture]:
    """Flat pictures: each colour without noise if `draws` is 1, else `draws` times with noise."""
    random = np.random.default_rng(0)
    pictures = []
    for colour in FLAT_COLOURS:
        plain = np.full((FLAT_SIDE, FLAT_SIDE, 3), colour, np.float32)
        for _ in range(draws):
            noise = random.normal(0, NOISE, plain.shape) if draws > 1 else 0
            pictures.append((plain + noise).round().clip(0, 255).astype(np.uint8))
    return pictures
