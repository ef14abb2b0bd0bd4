"""Regions that keep the photograph: the objective sees it there, and nothing moves the pixels."""

from typing import Protocol

from torch import Tensor


class Objective(Protocol):
    """What is minimised: see GramObjective."""

    def __call__(self, pixels: Tensor, /) -> tuple[dict[str, float], Tensor]: ...
    def terms(self, pixels: Tensor, /) -> dict[str, Tensor]: ...


def keep(painted: Tensor, photo: Tensor, kept: Tensor) -> Tensor:
    """The photograph where `kept` (1, 1, H, W) is 1, the painting where it is 0; (1, 3, H, W)."""
    return painted + kept * (photo - painted)


class KeptObjective:
    """An objective of a painting whose `kept` part (1, 1, H, W) float 0..1 is the photograph.

    A content loss alone would not keep it: the gradient of a normalised error is as large near
    the photograph as far from it, so Adam moves about there by its step size.
    """

    def __init__(self, objective: Objective, photo: Tensor, kept: Tensor) -> None:
        self._objective, self._photo, self._kept = objective, photo, kept

    def __call__(self, pixels: Tensor) -> tuple[dict[str, float], Tensor]:
        """The terms by name, and the gradient of their sum with respect to (1, 3, H, W)."""
        terms, gradient = self._objective(keep(pixels, self._photo, self._kept))
        return terms, gradient * (1 - self._kept)

    def terms(self, pixels: Tensor) -> dict[str, Tensor]:
        """The terms, differentiable."""
        return self._objective.terms(keep(pixels, self._photo, self._kept))
