import numpy as np
import pytest
import torch
import torch.nn.functional as F

from models.architecture import fast
from models.generator import CanvasUnit, Generator
from training.placement import anywhere, canvas_period, moved_along
from training.temporal import random_motion, warp

SIDE = 24
ARCHITECTURE = fast(canvas=2, canvas_sides=(SIDE,))


def random(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def unit():
    """A canvas of one smooth wave, so that interpolating it costs little."""
    unit = CanvasUnit(ARCHITECTURE.layers[1])
    ys, xs = torch.meshgrid(torch.arange(SIDE), torch.arange(SIDE), indexing="ij")
    unit.patterns[0].data[:] = torch.sin(2 * torch.pi * (xs + ys) / SIDE)
    return unit


@torch.no_grad()
def laid(unit, placement, height, width):
    return unit(torch.zeros(len(placement), 32, height, width), placement)


def test_the_period_is_that_of_all_patterns_together_or_0():
    assert canvas_period(ARCHITECTURE) == SIDE
    assert canvas_period(fast(canvas=2, canvas_sides=(16, 24))) == 48
    assert canvas_period(fast()) == 0


def test_anywhere_shifts_the_canvas_by_whole_cells_around_its_edges(unit):
    placement = anywhere(5, SIDE, random())
    shifted = laid(unit, placement, 30, 40)
    for one, (x, y) in zip(shifted, placement[:, :, 2].int().tolist(), strict=True):
        expected = unit(torch.zeros(1, 32, 30 + y, 40 + x))[0, :, y:, x:]
        assert torch.allclose(one, expected, atol=1e-5)


def test_a_canvas_that_moves_along_is_the_moved_canvas(unit):
    size = (128, 160)
    stride = ARCHITECTURE.stride
    cells = [side // stride for side in size]
    motion = random_motion(8, size, random(1))
    before = anywhere(8, SIDE, random(2))
    after = moved_along(before, motion, size, stride)

    def pixels(placement):
        return F.interpolate(laid(unit, placement, *cells), scale_factor=stride, mode="bilinear")

    expected, inside = warp(pixels(before), motion)
    swing = float(expected.std())
    # Enlarging has no neighbours beyond the outermost cells to go by.
    inner = np.s_[..., stride:-stride, stride:-stride]
    moved, still = (((pixels(x) - expected).abs() * inside)[inner] for x in (after, before))
    assert float(moved.max()) < 0.2 * swing
    assert float(still.max()) > 0.5 * swing


def test_the_pattern_learns_wherever_it_lies():
    generator = Generator(ARCHITECTURE)
    painted = generator(torch.rand(4, 3, 64, 64), placement=anywhere(4, SIDE, random()))
    painted.square().mean().backward()
    gradient = generator.core[1].patterns[0].grad
    assert gradient is not None
    assert (gradient.abs().sum(dim=1) > 0).all()
