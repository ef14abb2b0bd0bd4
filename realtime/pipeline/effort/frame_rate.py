"""The limit that a target frame rate sets: the time that painting a frame may take."""

from collections import deque
from statistics import median

TOO_SLOW = 0.92
"""There is too much work if the median time exceeds this share of a frame's time."""
FAST_ENOUGH = 0.75
"""More work is taken on only if its expected time is below this share."""
WINDOW = 15
"""Number of newest times that are kept; more work needs all of them."""
STEP_DOWN_SAMPLES = 7
"""Number of times that suffice for less work: viewers notice at once that it is too slow."""


class FrameRate:
    """A `Limit`: `target` frames per second. `painted` tells it each time, in seconds."""

    spares_threads = False

    def __init__(self, target: float) -> None:
        assert target > 0
        self.target = target
        self._times: deque[float] = deque(maxlen=WINDOW)

    def __str__(self) -> str:
        return f"hold {self.target:g} frames/s"

    def painted(self, seconds: float) -> None:
        """Record how long a frame took."""
        self._times.append(seconds)

    @property
    def load(self) -> float | None:
        """The median of the newest times, in seconds."""
        return median(self._times) if len(self._times) >= STEP_DOWN_SAMPLES else None

    @property
    def presses(self) -> bool:
        return (self.load or 0.0) * self.target > TOO_SLOW

    @property
    def room(self) -> float:
        if len(self._times) < WINDOW:
            return 0.0
        return FAST_ENOUGH / max(1e-9, median(self._times) * self.target)

    @property
    def reached_fps(self) -> float | None:
        """The rate that painting allows, if that is too low; None while it is not known."""
        load = self.load
        return 1 / load if load is not None and load * self.target > 1 else None

    def restart(self) -> None:
        self._times.clear()
