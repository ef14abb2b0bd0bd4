import json

import pytest
from click.testing import CliRunner

from models.errors import UsageError

pytest.importorskip("torch", reason="needs the train extra")

from training.commands.pace import pace

QUICK = ("--seconds", "1", "--batch-size", "1", "--image-size", "64")


@pytest.fixture(autouse=True)
def small_network(monkeypatch, loss_network):
    monkeypatch.setattr(
        "training.experiments.throughput.load_loss_network", lambda *_: loss_network
    )


@pytest.mark.parametrize("native", [True, False])
def test_what_this_cpu_would_emulate_is_left_out_in_one_line(monkeypatch, tmp_path, native):
    monkeypatch.setattr("training.experiments.throughput.has_bf16", lambda: native)
    path = tmp_path / "pace.json"
    result = CliRunner().invoke(pace, [*QUICK, "--json", str(path)], catch_exceptions=False)
    assert ("bf16 alone" in json.loads(path.read_text())["loops"]) is native
    said = [line for line in result.output.splitlines() if line.startswith("left out")]
    assert said == ([] if native else ["left out: bf16 alone: this CPU would emulate bfloat16"])


def test_the_table_and_the_file_name_every_loop(tmp_path):
    path = tmp_path / "pace.json"
    result = CliRunner().invoke(pace, [*QUICK, "--json", str(path)], catch_exceptions=False)
    stored = json.loads(path.read_text())
    assert stored["loops"]["plain loop"]["ratio"] == 1
    for name in ("plain loop", "stylecam train"):
        assert name in result.output
        assert stored["loops"][name]["images_per_second"] > 0


def test_a_crop_too_small_is_refused():
    with pytest.raises(UsageError, match=r"--image-size: .*not 8"):
        CliRunner().invoke(
            pace, ["--image-size", "8"], standalone_mode=False, catch_exceptions=False
        )


def test_a_file_that_cannot_be_written_is_named(tmp_path):
    words = [*QUICK, "--json", str(tmp_path / "gone" / "pace.json")]
    with pytest.raises(UsageError, match=r"pace\.json: cannot be written: No such file"):
        CliRunner().invoke(pace, words, standalone_mode=False, catch_exceptions=False)
