"""Winograd's products give what the convolution gives."""

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.card import StyleCard
from models.generator.architecture import convolutions, dense, folded
from models.generator.parameters import random_weights
from models.onnx.blocked_graph import TRIAL, TRIAL_WIDTHS, BlockedGenerator, usable_block
from models.onnx.graph import build_coarse_graph
from models.onnx.session import cpu_session
from models.onnx.winograd import column_kernels, has_even_columns, pays

WIDE = folded(dense(quarter=24, eighth=48, blocks=1, head_width=8))
"""The narrowest at which it pays, at a quarter and at an eighth."""
small_integers = st.integers(1, 6)


def convolved(picture: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """(I, H, W) by (O, I, kh, kw), without padding."""
    windows = np.lib.stride_tricks.sliding_window_view(picture, kernel.shape[2:], axis=(1, 2))
    return np.einsum("ihwyx,oiyx->ohw", windows, kernel)


@given(small_integers, small_integers, small_integers, small_integers, st.integers(0, 2**32 - 1))
def test_four_products_give_two_columns_of_the_convolution(inputs, outputs, rows, pairs, seed):
    random = np.random.default_rng(seed)
    picture = random.normal(size=(inputs, rows + 2, 2 * pairs + 2))
    kernel = random.normal(size=(outputs, inputs, 3, 3))
    d0, d1, d2, d3 = (picture[..., i : i + 2 * pairs : 2] for i in range(4))
    sums = (d0 - d2, d1 + d2, d2 - d1, d1 - d3)
    m0, m1, m2, minus_m3 = map(convolved, sums, column_kernels(kernel))
    expected = convolved(picture, kernel)
    np.testing.assert_allclose(m0 + m1 + m2, expected[..., ::2], atol=1e-9)
    np.testing.assert_allclose(m1 - m2 + minus_m3, expected[..., 1::2], atol=1e-9)


@cache
def sessions():
    """The usual graph of WIDE, and its blocked ones by their steps."""
    weights = random_weights(WIDE, seed=1)
    card = StyleCard(
        name="wide", title="Wide", architecture="dense", alpha=1, stride=8, parameters=1
    )
    blocked = BlockedGenerator(WIDE, weights, usable_block())
    usual = cpu_session(build_coarse_graph(WIDE, weights, card))
    return blocked, usual, {step: cpu_session(blocked.graph(step)) for step in (8, 16)}


@pytest.mark.skipif(usable_block() is None, reason="this ONNX Runtime has no blocked layout")
@settings(deadline=None, max_examples=30)
@given(st.integers(8, 70), st.integers(8, 70))
def test_pictures_of_every_size_are_painted_as_in_the_usual_graph(height, width):
    blocked, usual, by_step = sessions()
    frame = np.random.default_rng(width).integers(0, 256, (height, width, 3), np.uint8)
    (expected,) = usual.run(None, {"frame": frame})
    frames = blocked.frames
    assert blocked.step(width) == (16 if -(-width // 8) % 2 == 0 else 8)
    for step in {8, blocked.step(width)}:
        (blocks,) = by_step[step].run(None, {frames.input: frames.given(frame)})
        assert np.abs(frames.picture(blocks, frame).astype(int) - expected).max() <= 1


def test_it_is_used_where_it_pays():
    wide = [conv for conv in convolutions(WIDE) if pays(conv)]
    assert [conv.scale for conv in wide] == [8, 8, 4, 4, 4]
    narrow = folded(dense(0.5))
    assert not any(map(pays, convolutions(narrow)))
    assert BlockedGenerator(narrow, random_weights(narrow), 8).step(640) == 8


def test_columns_are_even_where_the_width_is_a_multiple_of_two_pitches():
    at_eighth, at_quarter = (
        next(conv for conv in convolutions(WIDE) if pays(conv) and conv.scale == scale)
        for scale in (8, 4)
    )
    assert has_even_columns(at_quarter, step=8)
    assert has_even_columns(at_eighth, step=16) and not has_even_columns(at_eighth, step=8)


def test_the_trial_of_the_runtime_paints_with_and_without():
    trial = BlockedGenerator(TRIAL, random_weights(TRIAL), 8)
    assert {trial.step(width) for width in TRIAL_WIDTHS} == {8, 16}
