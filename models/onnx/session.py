"""ONNX Runtime sessions."""

import onnx
import onnxruntime


def quiet_session(model: onnx.ModelProto) -> onnxruntime.InferenceSession:
    """A CPU session without ONNX Runtime's warnings: it warns of every optional input."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
