"""What losses a training usually has, to tell when they blow up."""

import math
from collections.abc import Mapping

from torch import Tensor

BLOWN_UP = 5.0
"""Times the usual. Batches differ by a factor of two or three."""
KEPT = 0.99
"""Of the average, a step: an explosion grows by a tenth or more in a step and runs away from it."""


class UsualLoss:
    """The moving average of the sum of the weighted losses; 0 before the first.

    A generator can explode: within fifty steps its losses grow ten thousand times, finite all
    along. Trainings did whose batch norm had its statistics stopped (see BatchRenorm).
    """

    def __init__(self, level: float = 0.0) -> None:
        self.level = level

    def takes(self, losses: Mapping[str, Tensor]) -> bool:
        """Whether they may be learned from; if so they are averaged in."""
        total = sum(float(loss) for loss in losses.values())
        if not math.isfinite(total) or (self.level and total > BLOWN_UP * self.level):
            return False
        self.level = self.level * KEPT + total * (1 - KEPT) if self.level else total
        return True
