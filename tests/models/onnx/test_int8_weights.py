"""Kernels stored as int8: small files that paint the same and give their weights back."""

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import helper

from models.card import ARCHITECTURE_KEY, METADATA_KEY, StyleCard
from models.generator import architecture as arch
from models.generator.parameters import random_weights
from models.onnx.graph import build_graph, read_weights
from models.onnx.int8_weights import dequantized, quantize_weights, short_metadata

ARCHITECTURES = {
    "fast": arch.folded(arch.fast(0.25)),
    "detail": arch.folded(arch.fast(0.25, detail=0.5)),
    "small": arch.folded(arch.small(0.3)),
    "full": arch.johnson(0.125),
}


def stored(architecture, weights, card):
    """The graph with int8 kernels and its metadata, as an export writes it; read again."""
    card = card.model_copy(update={"precision": "int8 weights"})
    model = quantize_weights(build_graph(architecture, weights, card), architecture, weights)
    helper.set_model_props(model, short_metadata(card, architecture))
    return onnx.load_from_string(model.SerializeToString())


def tame(architecture, seed=1):
    """Random weights and biases whose picture stays in range, as a trained one's does."""
    random = np.random.default_rng(seed)
    weights = random_weights(architecture, seed)
    biases = {n: random.normal(0, 0.1, len(w)) for n, w in weights.items() if n.endswith("bias")}
    last = [name for name in weights if name.endswith("conv.weight")][-1]
    weights |= {name: bias.astype(np.float32) for name, bias in biases.items()}
    return weights | {last: weights[last] * 0.1}


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_every_architecture_paints_the_same_from_int8_kernels(name, card_of, run_graph):
    architecture = ARCHITECTURES[name]
    weights, card = tame(architecture), card_of(architecture)
    full, small = build_graph(architecture, weights, card), stored(architecture, weights, card)
    frame = np.random.default_rng(0).integers(0, 256, (61, 83, 3), dtype=np.uint8)
    for strength in (None, 0.3):
        a, b = (run_graph(m, frame, strength).astype(float) for m in (full, small))
        assert 10 * np.log10(255**2 / max(((a - b) ** 2).mean(), 1e-9)) >= 30
    assert (run_graph(small, frame) != frame).mean() > 0.5
    assert (run_graph(small, frame, 0.0) == frame).all()


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_weights_come_back_to_within_half_a_step(name, card_of):
    architecture = ARCHITECTURES[name]
    weights = tame(architecture)
    again, read = read_weights(stored(architecture, weights, card_of(architecture)))
    assert again == architecture
    assert list(read) == list(weights)
    for key, array in weights.items():
        axes = (1, 2, 3) if array.ndim == 4 else 0
        largest = np.abs(array).max(axis=axes, keepdims=True)
        # Kernels: half of max/127, and what half precision rounds off the scale. Biases: that.
        step = largest * (0.51 / 127 + 2**-11) if array.ndim == 4 else largest * 2**-10
        assert (np.abs(read[key] - array) <= step + 1e-7).all(), key


def test_the_pruned_network_fits_in_17_kilobytes_with_all_that_explains_it(card_of):
    """The promise of issue 6: 17,408 bytes, graph, scales and card included."""
    architecture = arch.folded(arch.small(0.3))
    card = card_of(architecture).model_copy(
        update={
            "name": "tiny",
            "title": "Tiny Starry Night",
            "credit": "Vincent van Gogh, The Starry Night, 1889 (public domain)",
            "training": {"style": "starry_night.jpg", "fingerprint": "0123456789ab", "steps": 99},
            "metrics": {"style": 0.5},
        }
    )
    model = stored(architecture, random_weights(architecture), card)
    assert len(model.SerializeToString()) <= 17_408
    about = {entry.key: entry.value for entry in model.metadata_props}
    told = StyleCard.model_validate_json(about[METADATA_KEY])
    assert (told.title, told.credit, told.licence) == (card.title, card.credit, "MIT")
    assert told.precision == "int8 weights"
    assert told.training["fingerprint"] == "0123456789ab"
    assert '"licence"' in about[METADATA_KEY]  # said, though it is the default
    assert arch.from_json(about[ARCHITECTURE_KEY]) == architecture


@pytest.mark.parametrize("told", [arch.johnson(0.5, "batch"), arch.fast()], ids=["odd", "fast"])
def test_an_architecture_that_size_and_alpha_do_not_settle_is_told_in_full(told):
    told = arch.folded(told)
    assert arch.from_json(arch.short_json(told)) == told
    assert len(arch.short_json(arch.folded(arch.small(0.3)))) < 40 < len(arch.short_json(told))


@settings(deadline=None, max_examples=20)
@given(scale=st.floats(1e-6, 1e3), seed=st.integers(0, 99))
def test_no_size_of_kernel_breaks_the_rounding(scale, seed):
    architecture = arch.Architecture("fast", 1.0, (arch.Conv(3, 1),), 1, 1, residual=True)
    kernel = np.random.default_rng(seed).normal(0, scale, (3, 3, 1, 1)).astype(np.float32)
    kernel[1] = 0
    weights = {"core.0.conv.weight": kernel, "core.0.conv.bias": np.zeros(3, np.float32)}
    card = StyleCard(name="x", title="X", architecture="fast", alpha=1, stride=1, parameters=12)
    model = quantize_weights(build_graph(architecture, weights, card), architecture, weights)
    read = dequantized(model, architecture)["core.0.conv.weight"]
    assert (read[1] == 0).all()
    # Below the smallest normal half (2**-14 a step) the kernel itself is as good as nothing.
    bound = np.maximum(np.abs(kernel).max(axis=1, keepdims=True) / 127, 2.0**-14)
    assert (np.abs(read - kernel) <= bound * 0.6).all()
