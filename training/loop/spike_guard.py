"""The usual level of a training's losses, to detect when they blow up."""

import math
from collections.abc import Mapping

SPIKE_FACTOR = 5.0
"""Losses above this many times the usual have blown up. Batches differ by a factor of 2 or 3."""
DECAY = 0.99
"""Share of the average kept per step. An explosion grows by a tenth or more per step, too fast
for the average to follow."""


class SpikeGuard:
    """The moving average of the sum of the weighted losses, `level`; 0 before the first.

    A generator can explode: within fifty steps its losses grow ten thousand times and stay
    finite. Trainings with frozen statistics in batch norm did so (see BatchRenorm).
    """

    def __init__(self, level: float = 0.0) -> None:
        self.level = level

    def accepts(self, losses: Mapping[str, float]) -> bool:
        """Whether a step may learn from these losses; if so, adds them to the average."""
        total = sum(losses.values())
        if not math.isfinite(total) or (self.level and total > SPIKE_FACTOR * self.level):
            return False
        self.level = self.level * DECAY + total * (1 - DECAY) if self.level else total
        return True
