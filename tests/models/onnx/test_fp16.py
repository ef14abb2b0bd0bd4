"""Half precision: the conversion, and a check that sees what must be refused."""

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.card import StyleCard
from models.errors import ModelError
from models.generator.architecture import fast, folded, johnson, small
from models.generator.parameters import parameter_count, random_weights
from models.onnx import fp16
from models.onnx.fp16 import is_half, picture_difference, probe_picture, run_reference, to_half

ARCHITECTURES = {
    "fast": folded(fast(0.25)),
    "half residual": folded(fast(0.25, head="half", residual=True)),
    "small": folded(small(0.3)),
    "full": johnson(0.125),
}


def tame(architecture):
    """Random weights whose picture stays in range, as a trained one's does."""
    weights = random_weights(architecture, seed=3)
    last = [name for name in weights if name.endswith("conv.weight")][-1]
    return weights | {last: weights[last] * 0.02}


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_every_architecture_paints_the_same_in_half_precision(name: str, make_style):
    architecture = ARCHITECTURES[name]
    model = onnx.load(make_style(architecture, tame(architecture)).path)
    converted = to_half(model)
    assert is_half(converted)
    assert not is_half(model), "the argument must not change"
    saved = len(model.SerializeToString()) - len(converted.SerializeToString())
    assert saved > 1.9 * parameter_count(architecture)
    assert [e.key for e in converted.metadata_props] == [e.key for e in model.metadata_props]
    picture = probe_picture()
    off = picture_difference(run_reference(model, picture), run_reference(converted, picture))
    assert off.acceptable
    assert off.mean < 0.5


def test_a_weight_that_float16_cannot_hold_is_named(swap: StyleCard):
    model = onnx.load(swap.path)
    huge = np.full(3, 1e5, np.float32)
    for tensor in model.graph.initializer:
        if tensor.name == "core.0.conv.bias":
            tensor.CopyFrom(onnx.numpy_helper.from_array(huge, tensor.name))
    with pytest.raises(ModelError, match=r"'core\.0\.conv\.bias' reaches 1e\+05"):
        to_half(model)


def test_an_overflow_between_layers_is_seen(make_style):
    """Every weight fits, but the products do not: a CPU runtime widens and would hide it."""
    architecture = johnson(0.125, norm="none")
    weights = random_weights(architecture)
    kernels = [name for name in weights if name.endswith("conv.weight")]
    weights[kernels[0]] *= 2000
    weights[kernels[1]] *= 2000
    weights[kernels[-1]] /= 2000**2
    model = onnx.load(make_style(architecture, weights).path)
    assert np.isfinite(run_reference(model, probe_picture())).all()
    with pytest.raises(ModelError, match="NaN or infinity"):
        run_reference(to_half(model), probe_picture())


def test_the_check_picture_has_what_breaks_networks():
    picture = probe_picture()
    assert picture.shape == (64, 64, 3)
    colours = {tuple(pixel) for pixel in picture.reshape(-1, 3).tolist()}
    assert {(0, 0, 0), (255, 255, 255), (255, 0, 0), (0, 0, 255)} <= colours


@given(level=st.integers(0, 255), step=st.integers(-255, 255))
def test_difference_of_flat_pictures_is_their_step(level: int, step: int):
    a = np.full((4, 4, 3), level, np.uint8)
    b = np.clip(a.astype(int) + step, 0, 255).astype(np.uint8)
    off = picture_difference(a, b)
    expected = abs(int(a[0, 0, 0]) - int(b[0, 0, 0]))
    assert off.mean == off.maximum == expected
    assert off.acceptable == (expected < fp16.MEAN_LIMIT)


def test_a_few_holes_in_a_good_picture_are_refused():
    a = probe_picture()
    b = a.copy()
    b[0, :5] ^= 255
    assert picture_difference(a, b).mean < fp16.MEAN_LIMIT
    assert not picture_difference(a, b).acceptable
