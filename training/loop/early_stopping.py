"""Detects that a training no longer improves."""

import numpy as np

AVERAGED_STEPS = 50
"""Averaging is needed: batches differ by far more than a training gains from step to step."""
SMALLEST_GAIN = 0.005
"""Share of the loss by which a new low must be lower to count."""


def plateaued(totals: list[float], patience: int) -> bool:
    """Whether the moving average of the total losses set no new low in the last `patience` steps.

    totals: one per step, oldest first. False while there are too few of them.
    """
    patience = max(1, patience)
    if len(totals) < AVERAGED_STEPS + patience:
        return False
    sums = np.cumsum([0.0, *totals])
    averages = (sums[AVERAGED_STEPS:] - sums[:-AVERAGED_STEPS]) / AVERAGED_STEPS
    lowest_before = averages[:-patience].min()
    return bool(averages[-patience:].min() > lowest_before * (1 - SMALLEST_GAIN))
