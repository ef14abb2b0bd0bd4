"""The blocked layout paints what the usual graph paints."""

import numpy as np
import pytest

from models.generator.architecture import dense, fast, folded, johnson
from models.generator.parameters import random_weights
from models.onnx.blocked_frames import BlockedFrames
from models.onnx.blocked_graph import blocked_generator, usable_block
from models.onnx.graph import build_graph, frame_graph
from models.onnx.session import cpu_session

GENERATORS = {
    "whole": dense(),
    "half": dense(0.5),
    "a quarter": dense(0.25),
    "tiny": dense(0.25, blocks=1, adaptive=False),
    "without a shortcut": dense(0.5, shortcut=False),
    "wider": dense(1, quarter=24, eighth=40, blocks=2, quarter_blocks=2, head_width=24),
}


def noise(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(height).integers(0, 256, (height, width, 3), np.uint8)


@pytest.mark.parametrize("name", GENERATORS)
def test_it_paints_what_the_usual_graph_paints(name, card_of):
    if usable_block() is None:
        pytest.skip("this ONNX Runtime has no blocked layout")
    architecture = folded(GENERATORS[name])
    weights = random_weights(architecture, seed=1)
    file = build_graph(architecture, weights, card_of(architecture))
    found = blocked_generator(file)
    assert found is not None
    graph, frames = found
    usual, blocked = cpu_session(frame_graph(file)[0]), cpu_session(graph)
    for height, width in [(64, 96), (61, 83), (5, 70)]:
        frame = noise(height, width)
        (expected,) = usual.run(None, {"frame": frame})
        (blocks,) = blocked.run(None, {frames.input: frames.given(frame)})
        assert blocks.shape == frames.room(frame).shape
        painted = frames.picture(blocks, frame)
        assert painted.shape == frame.shape
        assert painted.std() > 5, "something is painted"
        assert np.abs(painted.astype(int) - expected).max() <= 1


@pytest.mark.parametrize("architecture", [fast(0.25), johnson(0.25), dense(0.25)])
def test_generators_of_other_kinds_are_left_alone(architecture, card_of):
    architecture = folded(architecture)
    file = build_graph(architecture, random_weights(architecture), card_of(architecture))
    suits = architecture.name == "dense" and usable_block() is not None
    assert (blocked_generator(file) is not None) == suits


@pytest.mark.parametrize("block", [4, 8, 16])
@pytest.mark.parametrize(("height", "width"), [(16, 24), (13, 18)])
def test_the_squares_are_put_where_they_belong(block, height, width):
    frame = noise(height, width)
    frames = BlockedFrames(block, stride=8, edge=1)
    whole = np.pad(frame, ((0, 16 - height), (0, 24 - width), (0, 0)))
    squares = whole.reshape(4, 4, 6, 4, 3).transpose(1, 3, 4, 0, 2).reshape(48, 4, 6)
    memory = squares.reshape(48 // block, block, 4, 6).transpose(0, 2, 3, 1)
    blocks = np.ascontiguousarray(memory).reshape(frames.room(frame).shape)
    assert np.array_equal(frames.picture(blocks, frame), frame)
