import pytest

pytest.importorskip("torch", reason="needs the train extra")

import torch

from training.optimise.objective.kept import KeptObjective


class Brightness:
    """Wants every pixel dark."""

    def __call__(self, pixels):
        return {"light": float(pixels.sum())}, torch.ones_like(pixels)

    def terms(self, pixels):
        return {"light": pixels.sum()}


def test_the_photograph_is_seen_where_it_is_kept_and_moves_nothing_there():
    photo, pixels = torch.full((1, 3, 2, 2), 0.25), torch.full((1, 3, 2, 2), 0.75)
    kept = torch.tensor([[1.0, 0.0], [0.5, 0.0]])[None, None]
    objective = KeptObjective(Brightness(), photo, kept)
    terms, gradient = objective(pixels)
    assert terms["light"] == pytest.approx(3 * (0.25 + 0.75 + 0.5 + 0.75))
    assert torch.equal(gradient, (1 - kept).expand_as(pixels))
    leaf = pixels.clone().requires_grad_()
    (by_terms,) = torch.autograd.grad(objective.terms(leaf)["light"], leaf)
    assert torch.equal(by_terms, gradient)
