"""Times by operator, out of ONNX Runtime's own profile."""

import pytest

from models.card import StyleCard
from realtime.bench.baselines import RuntimeOptions
from realtime.bench.operator_profile import OperatorTime, by_kind, profile, sum_events


def event(name: str, kind: str, microseconds: float) -> dict:
    return {"cat": "Node", "name": f"{name}_kernel_time", "dur": microseconds,
            "args": {"op_name": kind}}  # fmt: skip


def test_the_first_frame_is_left_out_and_the_rest_averaged():
    frames = [[event("c1", "Conv", 9000), event("r", "Resize", 9000)]]
    frames += [[event("c1", "Conv", 2000), event("r", "Resize", 1000)]]
    frames += [[event("c1", "Conv", 4000), event("r", "Resize", 1000)]]
    other = {"cat": "Session", "name": "model_run", "dur": 10**6}
    times = sum_events([other, *(e for frame in frames for e in frame)], frames=2)
    assert times == [OperatorTime("c1", "Conv", 3.0), OperatorTime("r", "Resize", 1.0)]


def test_kinds_sum_their_nodes():
    times = [OperatorTime("a", "Conv", 2.0), OperatorTime("b", "Pad", 1.0)]
    times.append(OperatorTime("c", "Conv", 3.0))
    summed = by_kind(times)
    assert [(t.name, t.ms, t.nodes) for t in summed] == [("Conv", 5.0, 2), ("Pad", 1.0, 1)]


def test_a_real_style_is_profiled(brush: StyleCard):
    runtime = RuntimeOptions(device="cpu", threads=1)
    times = profile(brush, width=96, height=64, frames=2, runtime=runtime)
    kinds = {time.kind for time in times}
    assert {"Conv", "Pad", "Cast"} <= kinds
    assert all(time.ms >= 0 for time in times)
    assert sum(time.ms for time in times) == pytest.approx(sum(t.ms for t in by_kind(times)))
