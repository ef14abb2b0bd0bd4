"""Small generators whose painting is known in advance."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest

from models.architecture import Architecture, Conv, fast, folded
from models.card import StyleCard, load_card, write_card
from models.graph import build_graph
from models.parameters import Weights, parameter_count, random_weights

StyleMaker = Callable[..., StyleCard]


@pytest.fixture
def make_style(tmp_path: Path) -> StyleMaker:
    """Writes a model file and its card; gives the card."""

    def make(
        architecture: Architecture, weights: Weights, *, with_strength: bool = True
    ) -> StyleCard:
        card = StyleCard(
            name="trial",
            title="Trial",
            architecture=architecture.name,
            alpha=architecture.alpha,
            stride=architecture.stride,
            parameters=parameter_count(architecture),
        )
        path = tmp_path / "trial.onnx"
        onnx.save(build_graph(architecture, weights, card, with_strength=with_strength), path)
        write_card(card, path)
        return load_card(path)

    return make


@pytest.fixture
def swap(make_style: StyleMaker) -> StyleCard:
    """A style that exchanges red and blue and adds 51 to green: x + (Wx + b)."""
    architecture = Architecture("fast", 1.0, (Conv(3, 1),), stride=1, margin=1, residual=True)
    exchange = np.array([[-1, 0, 1], [0, 0, 0], [1, 0, -1]], np.float32)
    weights = {
        "core.0.conv.weight": exchange[:, :, None, None],
        "core.0.conv.bias": np.array([0, 0.2, 0], np.float32),
    }
    return make_style(architecture, weights)


@pytest.fixture
def brush(make_style: StyleMaker) -> StyleCard:
    """A `fast` generator of random weights that changes the picture visibly, saturating little."""
    # Without the residual, or with sub-pixels, random weights go far out of range.
    architecture = folded(fast(0.25, head="half", detail=0.5, residual=True))
    weights = random_weights(architecture, seed=3)
    last = [name for name in weights if name.endswith("conv.weight")][-1]
    return make_style(architecture, weights | {last: weights[last] * 0.1})


@pytest.fixture
def picture() -> np.ndarray:
    """A picture whose sides are no multiples of anything: smooth, with noise. (121, 173, 3)."""
    rows, columns = np.mgrid[0:121, 0:173]
    base = np.stack([rows * 3, columns * 2, rows + columns], axis=-1) % 256
    noise = np.random.default_rng(0).integers(-20, 20, base.shape)
    return np.clip(base + noise, 0, 255).astype(np.uint8)
