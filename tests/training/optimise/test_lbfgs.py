import pytest

pytest.importorskip("torch", reason="needs the train extra")

import torch

from models.errors import TrainingError
from training.optimise.lbfgs import RESTARTS, PixelOptimizer

START = torch.full((1, 3, 8, 8), 0.2)
WANTED = torch.linspace(0, 1, START.numel()).view(START.shape)


def test_it_comes_to_what_is_wanted():
    descent = PixelOptimizer(START, lambda x: {"error": (x - WANTED).square().sum()})
    first = descent.step()["error"]
    for _ in range(30):
        descent.step()
    assert descent.lowest < first * 1e-6
    assert torch.allclose(descent.best, WANTED, atol=1e-3)


def test_each_step_is_one_evaluation_and_tells_every_term():
    calls = []

    def losses(pixels):
        calls.append(1)
        return {"a": pixels.square().mean(), "b": pixels.mean() * 0 + 2}

    descent = PixelOptimizer(START, losses)
    terms = [descent.step() for _ in range(5)]
    assert len(calls) == 5
    assert terms[0] == {"a": pytest.approx(0.04), "b": 2.0}


def test_the_best_is_kept_when_the_losses_turn_bad():
    seen = []

    def losses(pixels):
        seen.append(1)
        bad = float("nan") if len(seen) > 10 else 1.0
        return {"error": (pixels - WANTED).square().sum() * bad}

    descent = PixelOptimizer(START, losses)
    for _ in range(10):
        descent.step()
    lowest, best = descent.lowest, descent.best.clone()
    with pytest.raises(TrainingError, match="not finite or run away"):
        for _ in range(RESTARTS + 1):
            descent.step()
    assert descent.lowest == lowest
    assert torch.equal(descent.best, best)


def test_one_bad_moment_does_not_end_it():
    seen = []

    def losses(pixels):
        seen.append(1)
        spike = 1e6 if len(seen) == 4 else 1.0
        return {"error": (pixels - WANTED).square().sum() * spike}

    descent = PixelOptimizer(START, losses)
    for _ in range(40):
        descent.step()
    assert torch.allclose(descent.best, WANTED, atol=1e-3)


def test_what_it_starts_from_stays_as_it_was():
    start = START.clone()
    descent = PixelOptimizer(start, lambda x: {"error": (x - WANTED).square().sum()})
    for _ in range(3):
        descent.step()
    assert torch.equal(start, START)
