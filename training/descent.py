"""Descent on the pixels of one picture: L-BFGS that guards itself and remembers the best.

Knows no styles; what is minimised is handed to it.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from models.errors import TrainingError

Losses = Callable[[Tensor], dict[str, Tensor]]
"""A picture (1, 3, H, W) float, about 0..1, to the terms whose sum is minimised, by name."""

HISTORY = 20
"""Pairs of steps and gradients from which L-BFGS guesses the curvature."""
RUNAWAY = 10.0
"""Times the lowest loss at which a step counts as one into the wild."""
RESTARTS = 5
"""How often the descent may go back to its best, each time with half the step."""


class Descent:
    """One evaluation of the losses a step (Gatys et al. 2016, sec. 2, chose L-BFGS too).

    There is no line search: each would cost evaluations, and at equal cost it got no further
    (docs/log.md). In its place, a loss that is not finite or runs away sends the descent back.

    `best` (1, 3, H, W) is the picture of the lowest sum seen, `lowest`.
    """

    def __init__(self, start: Tensor, losses: Losses) -> None:
        self.losses = losses
        self.best, self.lowest = start.detach().contiguous(), float("inf")
        self._restarts = 0
        self._restart()

    def _restart(self) -> None:
        self._pixels = self.best.clone(memory_format=torch.contiguous_format).requires_grad_()
        self._optimizer = torch.optim.LBFGS(
            [self._pixels],
            lr=0.5**self._restarts,
            max_iter=1,
            history_size=HISTORY,
            tolerance_grad=0,
            tolerance_change=0,
        )

    def step(self) -> dict[str, float]:
        """The terms at the picture as it is, by name; then the picture moves.

        Raises TrainingError when it went astray too often; `best` stays.
        """
        here = self._pixels.detach().clone()
        terms: dict[str, Tensor] = {}

        def evaluate() -> Tensor:
            self._optimizer.zero_grad()
            terms.update(self.losses(self._pixels))
            total = torch.stack(list(terms.values())).sum()
            total.backward()
            return total.detach()

        total = float(self._optimizer.step(evaluate))
        if total < self.lowest:
            self.best, self.lowest = here, total
        elif not math.isfinite(total) or total > self.lowest * RUNAWAY:
            self._go_back()
        return {name: float(term.detach()) for name, term in terms.items()}

    def _go_back(self) -> None:
        if self._restarts == RESTARTS:
            raise TrainingError(
                "the losses are not finite or run away, however small the step; "
                "try smaller weights, or another --loss-network"
            )
        self._restarts += 1
        self._restart()
