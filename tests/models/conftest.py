import numpy as np
import onnxruntime
import pytest

from models.card import StyleCard
from models.generator.parameters import parameter_count


@pytest.fixture
def card_of():
    def make(architecture):
        return StyleCard(
            name="test",
            title="Test",
            architecture=architecture.name,
            alpha=architecture.alpha,
            stride=architecture.stride,
            parameters=parameter_count(architecture),
        )

    return make


@pytest.fixture
def run_graph():
    def run(model, frame, strength=None):
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        session = onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        feed = {"frame": frame}
        if strength is not None:
            feed["strength"] = np.array([strength], np.float32)
        return session.run(None, feed)[0]

    return run
