"""Holds the painting where the camera's picture does not move.

A generator answers a sensor's noise with strokes that change from frame to frame. Here each new
painting is taken over little by little, and at once where the picture moved since the shown
painting was made there. Of what moved, a part is kept, moved along (follow.py), so that strokes on
a face do not shimmer. Cheap: motion is found on a grid of a few thousand cells.
"""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from models.pictures import RGB
from models.steadiness.follow import Follower

Floats = NDArray[np.float32]

LIVE_SMOOTHING = 0.7
"""The smoothing of live runs: strokes stand still, and nothing is older than about 1.4 s."""
LONGEST_MEMORY = 0.65
"""Seconds in which, at smoothing 1, a still place is renewed by 63 % (in 2 s by 95 %)."""
CELLS = 160
"""Cells along the longer side of the frame."""
FOLLOWING = 0.55
"""Share of the shown painting that is kept where it can be moved along, from LIVE_SMOOTHING on:
more would smear what moves."""
LEAST_MOTION = 2.0
"""Levels of 255 by which a cell may differ without any noise."""
NOISE_FACTOR = 2.0
"""Blurred cells may differ by so many times the noise level, and one of thousands does."""
MOST_NOISE = 5.0
"""Levels; a higher noise level is taken for motion, so that a moving camera stops the hold."""
NOISE_PERCENTILE = 35
"""Where the noise level is read off the cells: most of them are still."""
NOISE_SECONDS = 1.0
AFTERGLOW = 0.15
"""Seconds in which motion ceases to count by 63 %: what is half renewed must not be held."""
CUT_SHARE = 0.6
"""If more of the frame moves, everything is taken over at once: a cut, or a moving camera."""
GAIN_LIMIT = 1.25
"""A camera may change its exposure by so much without that counting as motion."""
DARK = 16.0
LONGEST_STEP = 0.1
"""Seconds; a longer gap between two paintings counts as so much."""
SURROUNDINGS = np.ones((3, 3), np.uint8)
STRIP = 32
"""Rows blended at a time: they stay in the processor's cache."""


class PaintingHold:
    """The painting that is shown, and what the frame looked like where each part was painted.

    For one thread. `blend` takes paintings in order of time; `reset` before one that has nothing
    to do with the last. The sizes may change, which resets it, too.
    """

    def __init__(self) -> None:
        self._follower = Follower()
        self.reset()

    def reset(self) -> None:
        """Forget everything: the next painting is taken over whole."""
        self._held: Floats | None = None
        self._follower.forget()
        self._motion: Floats = np.zeros((0, 0), np.float32)
        self._noise: float | None = None
        self._seconds = 0.0
        self._unrest = 0.0

    @property
    def settled(self) -> bool:
        """Whether nothing moved for as long as parts of the painting may be old."""
        return self._unrest <= 0

    def blend(
        self,
        frame: RGB,
        painted: RGB,
        seconds: float,
        smoothing: float,
        *,
        changing: bool = False,
    ) -> RGB:
        """The painting to show: a new array, or `painted` itself.

        `frame` and its painting are (H, W, 3) uint8 RGB; `seconds` is the frame's place in time,
        of which only differences count. `smoothing` above 0 to 1 is how long a still place
        remembers. Nothing still is ever older than about 2 s of painting. `changing` says that
        the painting changes for another reason than motion, so that `settled` waits for it.
        """
        cells = _cells(frame)
        now = _blur(cells)
        if self._held is None or self._held.shape != painted.shape:
            return self._take_over(frame, cells, painted, seconds)
        step = min(LONGEST_STEP, max(0.0, seconds - self._seconds))
        memory = smoothing * LONGEST_MEMORY
        noise = self._follow_noise(cells, step)
        moved = self._moved(now, LEAST_MOTION + NOISE_FACTOR * noise)
        if float((moved > 0.5).mean()) > CUT_SHARE:
            taken = self._take_over(frame, cells, painted, seconds)
            self._noise = noise
            return taken
        calm = not changing and not (moved > 0.5).any()
        self._unrest = self._unrest - step if calm else 3 * memory
        self._motion = np.maximum(moved, self._motion * np.float32(math.exp(-step / AFTERGLOW)))
        share = np.maximum(self._motion, np.float32(1 - math.exp(-step / memory)))
        self._seen += share[..., None] * (now - self._seen)
        self._cells, self._seconds = cells, seconds
        self._follower.see(frame)
        trust = self._follower.move(self._held, moved)
        if trust is not None:
            kept = np.float32(FOLLOWING * min(1.0, smoothing / LIVE_SMOOTHING))
            finer = np.asarray(cv2.resize(share, trust.shape[::-1]), np.float32)
            share = finer * (1 - kept * trust)
        return self._renewed(painted, share)

    def _take_over(self, frame: RGB, cells: Floats, painted: RGB, seconds: float) -> RGB:
        self.reset()
        self._follower.see(frame)
        self._held = painted.astype(np.float32)
        self._seen, self._cells, self._seconds = _blur(cells), cells, seconds
        self._motion = np.zeros(cells.shape[:2], np.float32)
        self._new, self._old = (np.empty(painted.shape[:2], np.float32) for _ in range(2))
        self._strip = np.empty((STRIP, *painted.shape[1:]), np.float32)
        return painted

    def _renewed(self, painted: RGB, share: Floats) -> RGB:
        """Renew what is held by `share` (a coarse grid, 0..1) of `painted`; return it as bytes.

        It is held as floats: of bytes, a small share of a small difference would round to nothing
        for ever.
        """
        assert self._held is not None
        height, width = painted.shape[:2]
        cv2.resize(share, (width, height), dst=self._new, interpolation=cv2.INTER_LINEAR)
        np.subtract(1, self._new, out=self._old)
        out = np.empty_like(painted)
        for top in range(0, height, STRIP):
            rows = slice(top, top + STRIP)
            held, strip = self._held[rows], self._strip[: len(painted[rows])]
            np.copyto(strip, painted[rows])
            cv2.blendLinear(strip, held, self._new[rows], self._old[rows], dst=held)
            cv2.convertScaleAbs(held, dst=out[rows])
        return out

    def _moved(self, now: Floats, still: float) -> Floats:
        """How much of each cell's painting is out of date, 0..1, with its surroundings.

        Cells that differ by up to `still` levels have not moved.
        """
        self._seen *= _gain(self._seen, now)
        moved = np.clip(_difference(now, self._seen) / np.float32(still) - 1, 0, 1)
        return np.asarray(cv2.blur(cv2.dilate(moved, SURROUNDINGS), (3, 3)), np.float32)

    def _follow_noise(self, cells: Floats, step: float) -> float:
        """The noise level: rises slowly, so that a gesture is no noise, and falls at once.

        It is what changed since the frame before from each cell to the next: motion rarely does
        that in most of a picture.
        """
        change = cells - self._cells
        grain = _difference(change, _blur(change))
        level = min(MOST_NOISE, float(np.percentile(grain[::3, ::3], NOISE_PERCENTILE)))
        if self._noise is not None and level > self._noise:
            level = self._noise + (level - self._noise) * (1 - math.exp(-step / NOISE_SECONDS))
        self._noise = level
        return level


def _cells(frame: RGB) -> Floats:
    """The frame (H, W, 3) as float cells of 0..255."""
    height, width = frame.shape[:2]
    factor = max(1, round(max(height, width) / CELLS))
    size = (max(1, width // factor), max(1, height // factor))
    return np.asarray(cv2.resize(frame, size, interpolation=cv2.INTER_AREA), np.float32)


def _blur(cells: Floats) -> Floats:
    return np.asarray(cv2.blur(cells, (3, 3)), np.float32)


def _gain(before: Floats, now: Floats) -> Floats:
    """The factor (3,) of each channel that a camera's exposure and white balance changed by."""
    some, same = before[::3, ::3], now[::3, ::3]
    lit = (some > DARK).all(axis=2)
    if not lit.any():
        return np.ones(3, np.float32)
    gain = np.median(same[lit] / some[lit], axis=0)
    return np.asarray(np.clip(gain, 1 / GAIN_LIMIT, GAIN_LIMIT), np.float32)


def _difference(a: Floats, b: Floats) -> Floats:
    """The largest difference of a cell's three channels (H, W)."""
    red, green, blue = cv2.split(cv2.absdiff(a, b))
    return np.asarray(cv2.max(cv2.max(red, green), blue), np.float32)
