"""Paints whole pictures with a model file, in the layout of a live run on a CPU."""

from pathlib import Path

import numpy as np

from models.card import load_card
from models.onnx.blocked_graph import blocked_generator
from models.onnx.frame_ends import FrameEnds, PlainEnds
from models.onnx.graph import read_architecture
from models.onnx.model_file import read_model
from models.onnx.session import cpu_session
from training.data.tensors import Picture


class ModelPainter:
    """The model at `path`, loaded. Called, it prepares a picture as the card says, and paints it.

    Pictures are (H, W, 3) uint8 RGB. Raises UsageError if there is no such file, ModelError for a
    damaged file or card.
    """

    def __init__(self, path: Path) -> None:
        model = read_model(path)
        self.architecture = read_architecture(model)
        self.preparation = load_card(path).preparation
        self._ends: FrameEnds = PlainEnds("painted", 1)
        if (blocked := blocked_generator(model)) is not None:
            model, self._ends = blocked
        self._session = cpu_session(model)

    def __call__(self, picture: Picture) -> Picture:
        return self.generate(self.preparation.prepared(picture))

    def generate(self, prepared: Picture) -> Picture:
        """What the generator alone makes of a picture, which it expects to be prepared."""
        (out,) = self._session.run(None, {self._ends.input: self._ends.given(prepared)})
        return self._ends.picture(np.asarray(out, np.uint8), prepared)
