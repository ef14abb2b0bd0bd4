"""Exposure normalisation: brings a picture to middle brightness and contrast before it is painted.

A generator that was trained on such pictures paints a dark room as brightly as a garden. It is
one curve for R, G and B, which the whole picture sets: its darkest value becomes black and its
brightest white, and what lies between is bent towards a middle luma. Black stays black, and
what is bright keeps its colours (a curve by mean and deviation turned a dark stage grey and
bleached who danced on it). Luma here is the plain mean of R, G and B.
"""

import math
from dataclasses import astuple, dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from models.pictures import RGB

Floats = NDArray[np.floating[Any]]

LEAST_RANGE = 0.28
"""From black to white: an even wall is not spread to full contrast, which would show its noise."""
MOST_GAIN = 5.0
"""Nothing near black or white is spread by more, for the same reason."""
OUTLIERS = 0.5
"""Percent of the values that may lie below black, and as many above white."""
ROOM = 0.04
"""What black keeps below it, and white above, for the grain that is laid on later (grain.py)."""
SHARE = 0.6
"""Of the way from a picture's mean luma to 0.5."""
TIME_CONSTANT = 0.5
"""Seconds in which a moving picture's exposure follows by 63 %."""
JUMP = 0.15
"""A mean that differs by more is another light, not a passer-by."""
OTHER_SCENE = 0.6
"""Two pictures are different scenes if their lumas differ, in the mean and beyond brightness, by
this share of the deviation; unrelated pictures differ by about 1.1 of it."""
LEAST_DEVIATION = 0.08
"""What counts as the deviation of an even wall, whose noise is no other scene."""
SETTLED = 0.004
"""What is left to follow below this (a level of 255) makes no visible difference."""
ENDS_SETTLED = 0.012
"""The same for black and white, which a sensor's noise moves by a level or two."""
SAMPLES = 128
"""Samples along a picture's longer side, for the exposure of moving pictures."""


@dataclass(frozen=True)
class Exposure:
    """A picture's mean luma, of 0..1, and which values of R, G and B are to be black and white,
    at least LEAST_RANGE apart."""

    mean: float
    black: float
    white: float

    @property
    def bend(self) -> float:
        """How much the curve lightens what is dark: 0 not at all, below 0 it darkens."""
        span = self.white - self.black
        mean = min(max((self.mean - self.black) / span, 0.01), 0.99)
        wanted = mean + SHARE * (0.5 - mean)
        most = max(1.0, MOST_GAIN * span)
        bend = (wanted - mean) / (mean * (1 - wanted))  # takes the mean to what is wanted
        return min(max(bend, 1 / most - 1), most - 1)


def measure(picture: RGB | Floats) -> Exposure:
    """The exposure of a picture (H, W, 3), uint8 of 0..255 or float of 0..1."""
    return _exposure(_luma(picture), _samples(picture))


def curve(values: Floats, exposure: Exposure) -> Floats:
    """The normalised values, in 0..1, of `values` in 0..1 of any shape.

    With x the place between black and white, 0..1, it is (1 + b) · x / (1 + b · x), b the bend: the
    rational tone curve of Schlick (1995, Quantization techniques for visualization of high dynamic
    range pictures, sec. 3); then ROOM is left at both ends.
    """
    x = np.clip((values - exposure.black) / (exposure.white - exposure.black), 0, 1)
    bend = exposure.bend
    return ROOM + (1 - 2 * ROOM) * (1 + bend) * x / (1 + bend * x)


def curve_table(exposure: Exposure) -> NDArray[np.uint8]:
    """The curve on bytes: 256 bytes, one for each value of a byte."""
    return np.rint(curve(np.arange(256) / 255, exposure) * 255).astype(np.uint8)


def normalised(rgb: RGB) -> RGB:
    """A single picture (H, W, 3) uint8 RGB by its own exposure: a new array."""
    return _apply(rgb, measure(rgb))


class EasedExposure:
    """Normalises a moving picture without flicker: its exposure follows over time.

    The first picture, another scene, and a sudden change of light are taken over at once.
    """

    def __init__(self) -> None:
        self._eased: Exposure | None = None
        self._luma: Floats = np.empty((0, 0))
        self._seconds = 0.0
        self._table = np.arange(256, dtype=np.uint8)
        self.settled = True
        """Whether the next picture would be painted alike if nothing changed."""

    def normalise(self, rgb: RGB, seconds: float, *, whole: RGB | None = None) -> RGB:
        """The next picture (H, W, 3) uint8 RGB, normalised: a new array.

        `seconds` is its place in time; only differences count. `whole`: what `rgb` was shrunk
        from, which then sets the exposure (shrinking takes some of the deviation away).
        """
        self._follow(_samples(rgb if whole is None else whole), seconds)
        return np.asarray(cv2.LUT(rgb, self._table), np.uint8)

    def _follow(self, seen: RGB, seconds: float) -> None:
        luma = _luma(seen)
        now = _exposure(luma, seen)
        if self._eased is None or self._is_new(luma, now, self._eased):
            eased = now
        else:
            share = 1 - math.exp(-max(0.0, seconds - self._seconds) / TIME_CONSTANT)
            pairs = zip(astuple(self._eased), astuple(now), strict=True)
            eased = Exposure(*(before + share * (to - before) for before, to in pairs))
        if eased != self._eased:
            self._table = curve_table(eased)
        self._eased, self._luma, self._seconds = eased, luma, seconds
        ends = max(abs(eased.black - now.black), abs(eased.white - now.white))
        self.settled = abs(eased.mean - now.mean) < SETTLED and ends < ENDS_SETTLED

    def _is_new(self, luma: Floats, now: Exposure, eased: Exposure) -> bool:
        if luma.shape != self._luma.shape or abs(now.mean - eased.mean) > JUMP:
            return True
        change = luma - self._luma
        deviation = max(LEAST_DEVIATION, float(luma.std()))
        return float(np.abs(change - change.mean()).mean()) > OTHER_SCENE * deviation


def _luma(picture: RGB | Floats) -> Floats:
    most = 255.0 if picture.dtype == np.uint8 else 1.0
    total = picture[..., 0].astype(np.float64)  # a fifth of the time of picture.mean(axis=2)
    total += picture[..., 1]
    total += picture[..., 2]
    return np.asarray(total / (3 * most))


def _exposure(luma: Floats, seen: RGB | Floats) -> Exposure:
    most = 255.0 if seen.dtype == np.uint8 else 1.0
    few = seen[::2, ::2]  # percentiles of all of them would take as long as all else here
    black, white = np.percentile(few, (OUTLIERS, 100 - OUTLIERS)) / most
    middle = np.clip((black + white) / 2, LEAST_RANGE / 2, 1 - LEAST_RANGE / 2)
    return Exposure(
        float(luma.mean()),
        float(min(black, middle - LEAST_RANGE / 2)),
        float(max(white, middle + LEAST_RANGE / 2)),
    )


def _samples(picture: NDArray[Any]) -> NDArray[Any]:
    """Single pixels of an even grid: unlike a shrunken picture, they keep the whole deviation
    (averages of ten pixels' width lose 9 % of a photograph's)."""
    step = max(1, max(picture.shape[:2]) // SAMPLES)
    return picture[step // 2 :: step, step // 2 :: step]


def _apply(rgb: RGB, exposure: Exposure) -> RGB:
    return np.asarray(cv2.LUT(rgb, curve_table(exposure)), np.uint8)
