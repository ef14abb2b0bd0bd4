"""Stand-ins that keep the contracts: small styles whose painting is known, sources, sinks."""

import threading
import time
from pathlib import Path

import numpy as np
import onnx
import pytest

from models.card import StyleCard, load_card, write_card
from models.generator.architecture import Architecture, Conv
from models.generator.parameters import Weights, parameter_count
from models.onnx.graph import build_graph
from realtime.sources import EndOfSource, Source

SWAP = np.array([[-1, 0, 1], [0, 0, 0], [1, 0, -1]], np.float32)
"""Added to the picture, it exchanges red and blue."""


def write_style(path: Path, *, green: float = 0.0) -> StyleCard:
    """A style at `path` (NAME.onnx, its card beside it) that exchanges red and blue and adds
    `green` (0..1) to green."""
    architecture = Architecture("fast", 1.0, (Conv(3, 1),), stride=1, margin=1, residual=True)
    weights: Weights = {
        "core.0.conv.weight": SWAP[:, :, None, None],
        "core.0.conv.bias": np.array([0, green, 0], np.float32),
    }
    card = StyleCard(
        name=path.stem,
        title=path.stem.title(),
        architecture=architecture.name,
        alpha=architecture.alpha,
        stride=architecture.stride,
        parameters=parameter_count(architecture),
    )
    onnx.save(build_graph(architecture, weights, card), path)
    write_card(card, path)
    return load_card(path)


def assert_close_wakes_a_reader(source: Source) -> None:
    """Close `source` while another thread waits in `read`: that must end, as the end it is."""
    ended = threading.Event()

    def read_on() -> None:
        with pytest.raises(EndOfSource):
            source.read()
        ended.set()

    reader = threading.Thread(target=read_on)
    reader.start()
    time.sleep(0.1)
    source.close()
    assert ended.wait(10)
    reader.join()
