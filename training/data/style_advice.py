"""What a style picture tells before the training: what speaks against it, and which light suits it.

A style is learned well from a picture with shapes of 10 to 33 % of its width, a bold palette and
strong edges. The limits below separate the pictures that gave good styles from faint ones.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from training.data.tensors import Picture, shrink_to

SIDE = 448
"""Longer side at which a picture is judged, the one at which it is seen at style scale 1."""
LEAST_CONTRAST = 0.10
"""Standard deviation of luma, values 0..1."""
LEAST_EDGES = 0.015
"""Share of the pixels that lie on strong edges."""
STRONG_EDGE = 0.25
"""Sobel gradient of luma (per pixel, divided by 4) above which an edge is strong."""
SMALLEST_SHAPES, LARGEST_SHAPES = 0.008, 0.3
"""Size of the shapes, as a share of the width."""
NEIGHBOURHOOD = 9
"""Pixels across."""
EVEN = 0.08
"""Of the picture's own deviation: a neighbourhood with less is even."""
LEAST_EVEN = 0.18
"""Share of even neighbourhoods: pictures of flat shapes have 0.24 to 0.63, washes 0.11, textures
below 0.04."""
LONG_WAVE = 128
"""Pixels: what is larger is the light and shade of the whole picture."""
MOST_LONG_WAVES = 0.3
"""Share of their power: 0.04 to 0.23 in patterns, 0.37 and more in paintings."""
LARGER_IF_EVEN = 0.6
"""By so much more times the share of even neighbourhoods beyond LEAST_EVEN: triangles of a third of
the width are 0.88 even and have 0.68; two halves 0.90 and 0.82, photographs 0.57 and 0.59."""


@dataclass(frozen=True)
class StyleFigures:
    """`contrast`: deviation of luma, 0..1. `edges`: share of pixels on strong edges. `shapes`: size
    of the shapes as a share of the picture's longer side."""

    contrast: float
    edges: float
    shapes: float


def measure_style(picture: Picture) -> StyleFigures:
    """The figures of a style picture (H, W, 3) uint8 RGB."""
    luma = cv2.cvtColor(shrink_to(picture, SIDE, longer=True), cv2.COLOR_RGB2GRAY)
    levels = (luma / 255).astype(np.float32)
    gradient = cv2.magnitude(*(cv2.Sobel(levels, cv2.CV_32F, *d) / 4 for d in ((1, 0), (0, 1))))
    edges = float((gradient > STRONG_EDGE / 4).mean())
    return StyleFigures(float(levels.std()), edges, shape_size(np.asarray(levels, np.float32)))


def shape_size(levels: NDArray[np.float32]) -> float:
    """Size of the shapes in a picture (H, W), as a share of its longer side.

    Half the wavelength at which its power spectrum, summed over rings, has its centre of mass (in
    octaves): a disc of diameter d has most of its power near the wavelength 2d."""
    height, width = levels.shape
    power, frequency = _power_spectrum(levels)
    seen = frequency > 1 / max(height, width)
    weights = power[seen] + 1e-12
    octave = float((np.log2(frequency[seen]) * weights).sum() / weights.sum())
    return 0.5 / 2**octave / max(height, width)


def advice(picture: Picture) -> list[str]:
    """One sentence for each thing that speaks against the picture; empty for a good one."""
    figures = measure_style(picture)
    found = []
    if figures.contrast < LEAST_CONTRAST:
        found.append(
            f"it has little contrast ({figures.contrast:.2f}, {LEAST_CONTRAST:.2f} is the least): "
            "paintings will be pale; choose one with clear darks and lights"
        )
    if figures.edges < LEAST_EDGES:
        found.append(
            f"it has few strong edges ({figures.edges:.1%} of its pixels, {LEAST_EDGES:.1%} is the "
            "least): paintings will be soft; choose one with outlines or strokes"
        )
    if figures.shapes < SMALLEST_SHAPES:
        found.append(
            f"its pattern is fine ({figures.shapes:.1%} of its width): it will look like grain; "
            "try a part of it, or --style-scale 2"
        )
    if figures.shapes > LARGEST_SHAPES:
        found.append(
            f"its shapes are as large as the picture ({figures.shapes:.0%} of its width): they "
            "will not fit into a frame; try --style-scale 0.5"
        )
    return found


def has_flat_shapes(picture: Picture) -> bool:
    """Whether a picture (H, W, 3) uint8 RGB is a pattern of flat shapes, alike in all its parts.

    Trained with the photograph's light, a picture of triangles gives its palette and not one
    triangle: what a frame shows keeps its own darks and lights, and no shape finds a place on an
    even wall.
    """
    levels = shrink_to(picture, SIDE, longer=True).astype(np.float32)
    around = (NEIGHBOURHOOD, NEIGHBOURHOOD)
    mean, square = cv2.blur(levels, around), cv2.blur(levels * levels, around)
    variance = (square - mean * mean).sum(2)
    own = float(levels.reshape(-1, 3).var(0).sum())
    even = float((variance < EVEN**2 * own).mean())
    most = MOST_LONG_WAVES + LARGER_IF_EVEN * (even - LEAST_EVEN)
    return even > LEAST_EVEN and _long_wave_share(levels) < most


def _long_wave_share(levels: NDArray[np.float32]) -> float:
    """Share of the power, without the mean, at wavelengths of LONG_WAVE and more; (H, W, 3)."""
    power, frequency = _power_spectrum(levels)
    waves, long_ones = frequency > 0, (frequency > 0) & (frequency <= 1 / LONG_WAVE)
    return float(power[long_ones].sum() / max(float(power[waves].sum()), 1e-12))


def _power_spectrum(
    levels: NDArray[np.float32],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Power without the mean, of (H, W) or (H, W, 3), and its frequencies (H, W), per pixel."""
    height, width = levels.shape[:2]
    window = np.outer(np.hanning(height), np.hanning(width)).reshape(
        height, width, *[1] * (levels.ndim - 2)
    )
    centred = (levels - levels.mean((0, 1))) * window
    power = np.abs(np.fft.fft2(centred, axes=(0, 1))) ** 2
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width)[None])
    return power, frequency
