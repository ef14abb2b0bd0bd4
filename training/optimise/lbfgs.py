"""Descent on the pixels of one picture: L-BFGS with restarts that remembers the best picture.

Knows no styles; the caller passes in the losses.
"""

import math
from collections.abc import Callable
from typing import Any, Protocol

import torch
from torch import Tensor

from models.errors import TrainingError
from training.optimise.scales import resized

Losses = Callable[[Tensor], dict[str, Tensor]]
"""Maps a picture (1, 3, H, W) float, about 0..1, to named terms whose sum is minimised."""

HISTORY = 20
"""Pairs of steps and gradient changes from which L-BFGS estimates the curvature."""
RUNAWAY = 10.0
"""A loss above this many times the lowest one counts as running away."""
RESTARTS = 5
"""How often the descent may return to its best picture, each time with half the step size."""


class Measured(Protocol):
    """An objective that torch can differentiate through."""

    def terms(self, pixels: Tensor, /) -> dict[str, Tensor]: ...


class PixelOptimizer:
    """L-BFGS with one evaluation of the losses per step (Gatys et al. 2016, sec. 2, use it too).

    There is no line search: it costs evaluations, and at equal cost it got no further
    (docs/log.md). Instead, a loss that is not finite or runs away sends the descent back.

    `best` (1, 3, H, W) is the picture with the lowest sum of losses so far, `lowest`.
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
        """The terms at the present picture, by name; then moves the picture.

        Raises TrainingError if the losses ran away too often; `best` remains.
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


class PixelLbfgs:
    """`PixelOptimizer` from scale to scale, with the methods of `PixelAdam`.

    The curvature is learned anew at each scale: it does not survive a change of size."""

    def __init__(self, start: Tensor) -> None:
        self._picture = start.detach()
        self._descent: PixelOptimizer | None = None

    @property
    def picture(self) -> Tensor:
        """The best so far, (1, 3, H, W)."""
        return self._picture if self._descent is None else self._descent.best

    def cut(self, margin: int) -> None:
        """Leave out so many pixels on each side."""
        self._picture, self._descent = self.picture[..., margin:-margin, margin:-margin], None

    def begin(self, objective: Measured, shape: tuple[int, int], iterations: int) -> None:
        """Minimise `objective` at `shape` (H, W) from now on."""
        self._picture, self._descent = resized(self.picture, shape).clamp(0, 1), None
        self.go_on(objective)

    def go_on(self, objective: Measured) -> None:
        """Minimise `objective` at the size of now."""
        self._descent = PixelOptimizer(self.picture, objective.terms)

    def step(self) -> dict[str, float]:
        """See PixelOptimizer.step."""
        assert self._descent is not None
        return self._descent.step()

    def state(self) -> dict[str, Any]:
        return {"picture": self.picture}

    def load_state(self, state: dict[str, Any]) -> None:
        self._picture = state["picture"]
