"""Adam on the pixels of one picture, with an average over its iterates; it survives a resize.

Knows no styles; the caller passes in what measures a picture.
"""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from models.errors import TrainingError
from training.optimise.scales import resized, resized_evenly

Evaluate = Callable[[Tensor], tuple[dict[str, float], Tensor]]
"""Maps a picture (1, 3, H, W) to its loss terms by name and the gradient of their sum."""

BETAS = (0.9, 0.999)
EPSILON = 1e-8
AVERAGE_DECAY = 0.99
MEMORIES = 8.0
"""The average remembers about 1/8 of a scale's iterations: what came before was still rough."""
NOT_STORED = ("step_size", "_evaluate")


def average_decay(iterations: int) -> float:
    """Decay of the average of a scale with so many iterations."""
    return min(AVERAGE_DECAY, 1 - MEMORIES / max(iterations, 2 * MEMORIES))


class PixelAdam:
    """Adam (Kingma & Ba 2015) on pixels in 0..1, whose result is the average of the iterates.

    Single iterates jitter about the minimum; the average (bias-corrected, exponential) does not.
    `begin` goes on at another size: from the average, with both moments resampled, so that the
    steps are right at once (the warm start of style-transfer-pytorch).
    """

    def __init__(self, start: Tensor, *, step_size: float) -> None:
        self.pixels = start.detach().clone()
        self.step_size = step_size
        self.steps = 0
        self._mean = torch.zeros_like(self.pixels)
        self._square = torch.zeros_like(self.pixels)
        self._sum, self._missing, self._decay = self.pixels, 0.0, AVERAGE_DECAY
        self._evaluate: Evaluate | None = None

    @property
    def picture(self) -> Tensor:
        """The average of the iterates of this scale, (1, 3, H, W)."""
        return self._sum / (1 - self._missing)

    def cut(self, margin: int) -> None:
        """Leave out so many pixels on each side."""
        self.pixels, self._mean, self._square, self._sum = (
            x[..., margin:-margin, margin:-margin].contiguous()
            for x in (self.pixels, self._mean, self._square, self._sum)
        )

    def begin(self, objective: Evaluate, shape: tuple[int, int], iterations: int) -> None:
        """Minimise `objective` at `shape` (H, W) from now on, for so many iterations."""
        self.pixels = resized(self.picture, shape).clamp(0, 1).contiguous()
        self._mean = resized(self._mean, shape)
        self._square = resized_evenly(self._square, shape)
        self._sum, self._missing = torch.zeros_like(self.pixels), 1.0
        self._decay = average_decay(iterations)
        self._remember()
        self.go_on(objective)

    def go_on(self, objective: Evaluate) -> None:
        """Minimise `objective`, at the size and with the average of now."""
        self._evaluate = objective

    def step(self) -> dict[str, float]:
        """Move the pixels once; the terms at the place before.

        Raises TrainingError if they or the gradient are not finite; the picture stays."""
        assert self._evaluate is not None
        terms, gradient = self._evaluate(self.pixels)
        if not torch.isfinite(gradient).all() or not all(map(math.isfinite, terms.values())):
            raise TrainingError(
                "the losses are not finite; try smaller weights, or another --loss-network"
            )
        self.steps += 1
        self._mean.lerp_(gradient, 1 - BETAS[0])
        self._square.mul_(BETAS[1]).addcmul_(gradient, gradient, value=1 - BETAS[1])
        size = self.step_size / (1 - BETAS[0] ** self.steps)
        spread = (self._square / (1 - BETAS[1] ** self.steps)).sqrt_().add_(EPSILON)
        self.pixels.addcdiv_(self._mean, spread, value=-size).clamp_(0, 1)
        self._remember()
        return terms

    def _remember(self) -> None:
        self._missing *= self._decay
        self._sum.mul_(self._decay).add_(self.pixels, alpha=1 - self._decay)

    def state(self) -> dict[str, Any]:
        """What `load_state` needs to go on; tensors and numbers."""
        return {name: value for name, value in vars(self).items() if name not in NOT_STORED}

    def load_state(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
