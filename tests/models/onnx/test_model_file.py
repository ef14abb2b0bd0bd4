"""Which files count as generators of ours."""

import onnx
import pytest
from onnx import TensorProto, helper

from models.catalogue import SHIPPED
from models.errors import ModelError, UsageError
from models.onnx.model_file import read_model

TINY = SHIPPED / "tiny.onnx"


def test_a_shipped_style_is_one():
    assert [entry.name for entry in read_model(TINY).graph.output] == ["painted"]


def test_a_damaged_and_a_missing_file_are_named(tmp_path):
    (tmp_path / "cut.onnx").write_bytes(TINY.read_bytes()[:5000])
    with pytest.raises(ModelError, match=r"cut\.onnx: damaged, or not an ONNX file \(.+\)") as cut:
        read_model(tmp_path / "cut.onnx")
    assert "\n" not in str(cut.value)
    with pytest.raises(UsageError, match=r"gone\.onnx: no such model file"):
        read_model(tmp_path / "gone.onnx")


def test_another_networks_graph_is_none(tmp_path):
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in ("x", "y")]
    graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "g", ends[:1], ends[1:])
    onnx.save(helper.make_model(graph), tmp_path / "other.onnx")
    with pytest.raises(ModelError, match=r"other\.onnx: not a stylecam generator"):
        read_model(tmp_path / "other.onnx")
