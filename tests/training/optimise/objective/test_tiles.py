import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("torch", reason="needs the train extra")

import torch

from training.optimise.objective.tiles import parts_of


def test_without_tiles_there_is_one_part():
    (part,) = parts_of((50, 70), None, 20)
    assert part.own == part.seen == (slice(0, 50), slice(0, 70))


@settings(deadline=None, max_examples=40)
@given(st.integers(64, 900), st.integers(64, 900), st.integers(128, 400), st.integers(0, 40))
def test_the_parts_own_every_pixel_once_and_see_the_margin(height, width, tile, margin):
    owned = torch.zeros(height, width)
    for part in parts_of((height, width), tile, margin):
        owned[part.own] += 1
        for own, seen, length in zip(part.own, part.seen, (height, width), strict=True):
            assert own.start % 16 == seen.start % 16 == 0
            assert seen.start in (0,) or own.start - seen.start >= margin
            assert seen.stop == length or seen.stop - own.stop >= margin
            assert seen.stop - seen.start <= max(tile + 16, 2 * margin + 64)
    assert (owned == 1).all()
