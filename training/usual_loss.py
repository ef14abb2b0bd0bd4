"""What losses a training usually has, to tell when they blow up."""

import math
from collections.abc import Mapping

from torch import Tensor

LATE = frozenset({"border"})
"""Losses that are 0 for most of a training: what they begin with is no explosion."""
BLOWN_UP = 5.0
"""Times the usual. Batches differ by a factor of two or three."""
KEPT = 0.99
"""Of the average, a step: an explosion grows by a tenth or more in a step and runs away from it."""


class UsualLoss:
    """The moving average of the sum of the weighted losses; 0 before the first.

    With batch norm frozen and the rate still high a generator can explode: within fifty steps
    its losses grow ten thousand times, finite all along.
    """

    def __init__(self, level: float = 0.0) -> None:
        self.level = level

    def takes(self, losses: Mapping[str, Tensor]) -> bool:
        """Whether they may be learned from; if so they are averaged in."""
        total = float(sum(float(loss) for name, loss in losses.items() if name not in LATE))
        late = sum(float(losses[name]) for name in LATE & losses.keys())
        if not math.isfinite(total + late) or (self.level and total > BLOWN_UP * self.level):
            return False
        self.level = self.level * KEPT + total * (1 - KEPT) if self.level else total
        return True
