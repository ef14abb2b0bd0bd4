"""The losses of a run as CSV, over resumptions."""

import pytest

pytest.importorskip("torch", reason="needs the train extra")

from training.reporting.loss_log import LossLog, read_losses


def test_a_resumed_record_drops_what_came_after_its_checkpoint(tmp_path):
    path = tmp_path / "losses.csv"
    with LossLog(path, resumed_at=0) as record:
        for step in (1, 2, 3):
            record.add(step, {"style": float(step)})
    with LossLog(path, resumed_at=2) as record:
        record.add(3, {"style": 30.0})
        assert record.totals == [1.0, 2.0, 30.0]
    assert [row["style"] for row in read_losses(path)] == ["1", "2", "30"]


def test_a_loss_that_is_given_up_is_nothing_from_then_on(tmp_path):
    path = tmp_path / "losses.csv"
    path.write_text("step,style,border\n1,2.5,0.5\n")
    with LossLog(path, resumed_at=1) as record:
        record.add(2, {"style": 2.0})
    assert read_losses(path)[1] == {"step": "2", "style": "2", "border": "0"}
    with LossLog(path, resumed_at=2) as record:
        assert record.totals == [3.0, 2.0]
