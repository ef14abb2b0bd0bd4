"""Tells a style picture of flat shapes, such as triangles and circles, from a painting with light.

Trained with the photograph's light, a picture of triangles gives its palette and not one triangle:
what a frame shows keeps its own darks and lights, and no shape finds a place on an even wall.
"""

import cv2
import numpy as np

from training.data.tensors import Picture, shrink_to

SIDE = 448
"""Longer side at which a picture is judged, the one at which it is seen at style scale 1."""
NEIGHBOURHOOD = 9
"""Pixels across."""
EVEN = 0.15
"""Of the picture's own deviation: a neighbourhood with less is even."""
LEAST_EVEN = 0.25
"""Share of even neighbourhoods: pictures of flat shapes have 0.35 to 0.47, textures below 0.13."""
LONG_WAVE = 128
"""Pixels: what is larger is the light and shade of the whole picture."""
MOST_LONG_WAVES = 0.3
"""Share of their power: 0.04 to 0.23 in patterns, 0.37 and more in paintings."""


def has_flat_shapes(picture: Picture) -> bool:
    """Whether a picture (H, W, 3) uint8 RGB is a pattern of flat shapes, alike in all its parts."""
    levels = shrink_to(picture, SIDE, longer=True).astype(np.float32)
    around = (NEIGHBOURHOOD, NEIGHBOURHOOD)
    mean, square = cv2.blur(levels, around), cv2.blur(levels * levels, around)
    variance = (square - mean * mean).sum(2)
    own = float(levels.reshape(-1, 3).var(0).sum())
    even = float((variance < EVEN**2 * own).mean())
    return even > LEAST_EVEN and _long_wave_share(levels) < MOST_LONG_WAVES


def _long_wave_share(levels: np.ndarray) -> float:
    """Share of the power, without the mean, at wavelengths of LONG_WAVE and more; (H, W, 3)."""
    height, width = levels.shape[:2]
    window = np.outer(np.hanning(height), np.hanning(width))[..., None]
    power = np.abs(np.fft.fft2((levels - levels.mean((0, 1))) * window, axes=(0, 1))) ** 2
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width)[None])
    waves, long_ones = frequency > 0, (frequency > 0) & (frequency <= 1 / LONG_WAVE)
    return float(power[long_ones].sum() / max(float(power[waves].sum()), 1e-12))
