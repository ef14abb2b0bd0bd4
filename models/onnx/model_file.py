"""Reads a model file, and checks that it is a generator of ours."""

from pathlib import Path

import onnx

from models.errors import ModelError, UsageError


def read_model(path: Path) -> onnx.ModelProto:
    """The graph at `path`, its inputs and output checked against the contract in card.py.

    Raises UsageError if there is no such file, ModelError if it is damaged or not one of ours.
    """
    try:
        model = onnx.load(path, load_external_data=False)
        onnx.checker.check_model(model)
    except FileNotFoundError:
        raise UsageError(f"{path}: no such model file") from None
    except Exception as error:  # protobuf's own errors, which onnx does not export
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ModelError(f"{path}: damaged, or not an ONNX file ({reason})") from None
    inputs = {entry.name for entry in model.graph.input}
    outputs = [entry.name for entry in model.graph.output]
    if not {"frame"} <= inputs <= {"frame", "strength"} or outputs != ["painted"]:
        raise ModelError(f"{path}: not a stylecam generator; create one with `stylecam export`")
    return model
