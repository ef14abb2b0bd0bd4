"""A generator that never answers: one signal ends the run all the same."""

import signal
import time
from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper

from models.card import load_card, write_card
from tests.test_end_to_end import PATIENCE, STYLECAM, Stage

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(not STYLECAM.exists(), reason="stylecam is not installed"),
]


def never_answer(path: Path) -> None:
    """Put a Loop without an end before the model's output."""
    model = onnx.load(path)
    graph = model.graph
    (painted,) = graph.output
    for node in graph.node:
        node.output[:] = ["finite" if name == painted.name else name for name in node.output]
    kind = painted.type.tensor_type.elem_type
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["go_on"], ["still_go_on"]),
            helper.make_node("Identity", ["before"], ["after"]),
        ],
        "forever",
        [
            helper.make_tensor_value_info("count", TensorProto.INT64, []),
            helper.make_tensor_value_info("go_on", TensorProto.BOOL, []),
            helper.make_tensor_value_info("before", kind, None),
        ],
        [
            helper.make_tensor_value_info("still_go_on", TensorProto.BOOL, []),
            helper.make_tensor_value_info("after", kind, None),
        ],
    )
    true = helper.make_tensor("true", TensorProto.BOOL, [], [True])
    graph.node.append(helper.make_node("Constant", [], ["true"], value=true))
    loop = helper.make_node("Loop", ["", "true", "finite"], [painted.name], body=body)
    graph.node.append(loop)
    card = load_card(path)
    onnx.save(model, path)
    write_card(card, path)  # with the new checksum


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_one_signal_ends_a_run_whose_generator_never_answers(tmp_path: Path, number):
    stage = Stage(tmp_path)
    never_answer(stage.style)
    process = stage.start("run", "--source", "demo", "--sink", "null", "--style", stage.style)
    try:
        assert process.stderr is not None
        said = []
        for line in process.stderr:
            said.append(line)
            if line.startswith("generator:"):
                break
        time.sleep(1.0)  # it is being warmed up now
        assert process.poll() is None
        process.send_signal(number)
        _, rest = process.communicate(timeout=PATIENCE)
    finally:
        process.kill()
    assert process.returncode == 130
    assert "Traceback" not in "".join(said) + rest
    assert not any(line.startswith("source:") for line in (*said, *rest.splitlines()))
