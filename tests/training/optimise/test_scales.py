from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("torch", reason="needs the train extra")

import torch

from training.optimise.scales import Scale, plan_scales, resized, scale_sides, side_of_megapixels
from training.optimise.settings import PaintSettings


@settings(deadline=None)
@given(st.integers(64, 300), st.integers(64, 10_000))
def test_scales_grow_by_the_root_of_two(first, last):
    sides = scale_sides(first, last)
    assert sides[-1] == last
    assert len(sides) == 1 or sides[0] >= first
    assert sides[0] < first * 1.5 or last < first * 1.5
    for coarse, fine in pairwise(sides):
        assert abs(fine - coarse * 2**0.5) <= 1.3  # both are rounded to whole pixels


def test_megapixels_are_an_area():
    side = side_of_megapixels((600, 800), 3)
    assert side * side * 0.75 == pytest.approx(3e6, rel=0.01)


def test_enhance_adds_a_larger_scale():
    plan = plan_scales((80, 100), PaintSettings(size=100, first_size=100, enhance=True))
    assert [max(scale.shape) for scale in plan] == [100, 141]
    assert [scale.fine_only for scale in plan] == [False, True]


def test_every_scale_but_the_last_has_a_margin():
    plan = plan_scales((80, 100), PaintSettings(size=256, first_size=128))
    assert [scale.margin for scale in plan] == [4, 6, 0]
    assert plan[0].painted == (102 + 8, 128 + 8)
    assert plan[-1].painted == plan[-1].shape


@settings(deadline=None)
@given(st.integers(1, 90), st.integers(1, 90))
def test_a_frame_is_the_picture_mirrored_and_comes_off_again(height, width):
    picture = torch.rand(1, 3, 40, 60, generator=torch.Generator().manual_seed(0))
    scale = Scale((height, width), iterations=1, margin=5)
    framed = scale.framed(picture)
    assert tuple(framed.shape[2:]) == scale.painted
    assert torch.equal(scale.inside(framed), resized(picture, (height, width)).clamp(0, 1))


def test_the_margin_is_a_mirror():
    framed = Scale((64, 96), iterations=1, margin=3).framed(torch.rand(1, 3, 64, 96))
    assert torch.equal(framed[..., :3], framed[..., 4:7].flip(3))
