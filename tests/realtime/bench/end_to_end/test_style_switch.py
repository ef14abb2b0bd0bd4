"""What changes of style cost: which frames count where, and a short run of the real thing."""

from pathlib import Path

import pytest

from models.errors import StylecamError
from realtime.bench.end_to_end.style_switch import CAMERA_FPS, measure_switch, run, summarise
from realtime.bench.end_to_end.worker import TrialConfig
from tests.fakes import write_style


def order(model: Path) -> TrialConfig:
    return TrialConfig(str(model), 96, 64, "null", 0.0, "onnx", "cpu", 1, None)


def test_dropped_and_late_frames_count_where_they_were_captured():
    captured = [index / CAMERA_FPS for index in range(90)]
    arrived = {index: at + 0.5 / CAMERA_FPS for index, at in enumerate(captured)}
    del arrived[40], arrived[41], arrived[10]
    arrived[50] = captured[50] + 3 / CAMERA_FPS
    found = summarise(captured, arrived, [(0.999, 2.0)], [(0.0, 0.999)], [0.2, 0.3, 0.1])
    assert (found.switches, found.frames, found.dropped) == (1, 30, 2)
    assert found.stall == pytest.approx(3)
    assert (found.quiet_frames, found.quiet_dropped) == (30, 1)
    assert found.quiet_stall == pytest.approx(0.5)
    assert found.loading_ms == pytest.approx(200)
    assert "2 of 30 frames dropped, none later than 3.0 frame times" in str(found)


def test_a_real_run_changes_and_its_frames_are_counted(tmp_path: Path):
    styles = [write_style(tmp_path / f"{name}.onnx").path for name in ("one", "two")]
    found = measure_switch(order(styles[0]), str(styles[1]), switches=1)
    assert found.switches == 1
    assert found.frames > 5
    assert found.quiet_frames > 20
    assert found.loading_ms > 0


def test_one_style_cannot_change(tmp_path: Path):
    model = write_style(tmp_path / "one.onnx").path
    with pytest.raises(StylecamError, match="two different"):
        run(order(model), str(model), 1)
