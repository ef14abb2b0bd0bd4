"""OpenVINO: what it says of itself, its precision, and what stands in for a step it gets wrong."""

import sys

import numpy as np
import pytest

from models.card import StyleCard
from models.errors import ModelError, UsageError
from models.onnx.graph import frame_graph
from models.onnx.model_file import read_model
from realtime.inference.backends import openvino_runtime
from realtime.inference.backends.onnx_runtime import OnnxRuntimeBackend
from realtime.inference.backends.openvino_runtime import OpenVinoBackend, rounded_in_steps


def test_without_openvino_the_command_that_installs_it_is_said(
    swap: StyleCard, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(UsageError, match=r"pip install 'stylecam\[openvino\]'"):
        OpenVinoBackend().load(swap)


@pytest.mark.parametrize("words", [{"device": "cuda"}, {"threads": 0}])
def test_what_it_cannot_do_is_refused(words):
    with pytest.raises(UsageError, match=r"the openvino backend runs on the CPU|threads 0"):
        OpenVinoBackend(**words)


def test_the_spelled_out_step_gives_the_same_bytes(brush: StyleCard, picture: np.ndarray):
    import onnxruntime

    model, _ = frame_graph(read_model(brush.path))
    spelled = rounded_in_steps(model)
    assert "QuantizeLinear" not in {node.op_type for node in spelled.graph.node}
    painted = [
        onnxruntime.InferenceSession(graph.SerializeToString()).run(None, {"frame": picture})[0]
        for graph in (model, spelled)
    ]
    assert np.array_equal(*painted)


@pytest.fixture
def openvino():
    reason = "openvino is not installed (pip install 'stylecam[openvino]')"
    return pytest.importorskip("openvino", reason=reason)


def test_the_line_says_what_runs_it(swap: StyleCard, openvino, monkeypatch):
    monkeypatch.setattr(openvino_runtime, "AMX", "none has this")
    line = OpenVinoBackend(threads=1).load(swap)
    version = openvino.__version__.split("-")[0]
    assert line == f"OpenVINO {version}, CPU, fp32, 1 thread"


@pytest.mark.usefixtures("openvino")
def test_half_precision_is_near_or_refused(brush: StyleCard, picture: np.ndarray):
    half = OpenVinoBackend(threads=1, half=True)
    try:
        line = half.load(brush)
    except UsageError as error:
        assert "no bf16" in str(error)
        return
    assert "bf16" in line or "using fp32" in line
    full = OnnxRuntimeBackend(device="cpu", threads=1)
    full.load(brush)
    off = np.abs(half.stylize(picture).astype(int) - full.stylize(picture))
    assert off.mean() < 2


@pytest.mark.usefixtures("openvino")
def test_what_openvino_refuses_is_one_line(swap: StyleCard, monkeypatch):
    def without_nodes(model):
        del model.graph.node[:]
        return model

    monkeypatch.setattr(openvino_runtime, "rounded_in_steps", without_nodes)
    with pytest.raises(ModelError, match="OpenVINO cannot load it") as caught:
        OpenVinoBackend(threads=1).load(swap)
    assert str(swap.path) in str(caught.value)
    assert "\n" not in str(caught.value)
