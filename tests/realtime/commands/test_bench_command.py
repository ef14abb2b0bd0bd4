"""`stylecam bench` as a user calls it, on a tiny style and tiny frames."""

import importlib.util
import json
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from models.card import StyleCard
from models.errors import UsageError
from realtime.bench import plot
from realtime.bench.baselines import BASELINES
from realtime.bench.thread_tuning import SPINS_US
from realtime.commands.bench import bench


def call(*words: object) -> Result:
    return CliRunner().invoke(bench, [str(word) for word in words], catch_exceptions=False)


@pytest.fixture
def quick(brush: StyleCard) -> list[object]:
    """Words for the shortest run there is."""
    return ["--styles", brush.path, "--sizes", "64x48", "--rounds", 2, "--seconds", 1,
            "--device", "cpu", "--threads", 1]  # fmt: skip


def test_a_quick_run_measures_everyone_writes_json_and_draws_a_plot(
    quick: list[object], tmp_path: Path
):
    path, drawn = tmp_path / "bench.json", tmp_path / "bench.png"
    can_plot = importlib.util.find_spec("matplotlib") is not None  # stylecam[train] brings it
    done = call(*quick, "--no-end-to-end", "--json", path, *(["--plot", drawn] if can_plot else []))
    assert done.exit_code == 0
    assert not can_plot or drawn.read_bytes().startswith(b"\x89PNG")
    assert "trial" in done.output
    data = json.loads(path.read_text())
    medians = {entry["contender"]: entry["median_ms"] for entry in data["generator"]}
    assert set(medians) == {"trial", *BASELINES}
    trial = next(entry for entry in data["generator"] if entry["contender"] == "trial")
    for name in BASELINES:
        assert trial["times_as_fast"][name] == pytest.approx(medians[name] / medians["trial"])
    assert data["machine"]["cpu"]
    assert data["runtime"].startswith("ONNX Runtime")
    assert data["end_to_end"] == []


def test_a_style_is_measured_whole_and_at_the_size_that_is_asked_for(
    quick: list[object], tmp_path: Path
):
    path = tmp_path / "bench.json"
    done = call(*quick, "--sizes", "128x96", "--scale", 0.5, "--no-end-to-end", "--json", path)
    assert "painted at" in done.output
    entries = json.loads(path.read_text())["generator"]
    painted = {e["contender"]: (e["painted_width"], e["painted_height"]) for e in entries}
    assert painted.pop("trial, painted at 64×48") == (64, 48)
    assert painted == dict.fromkeys(("trial", *BASELINES), (128, 96))


def test_the_profile_names_operators(quick: list[object], brush: StyleCard):
    done = call(*quick, "--profile", brush.path)
    assert "Conv" in done.output
    assert "By node" in done.output


def test_tuning_tries_threads_and_spinning(quick: list[object]):
    done = call(*quick, "--threads", 2, "--tune")
    rows = [line.split() for line in done.output.splitlines()]
    assert [row[:2] for row in rows if row[:1] == ["1"]] == [["1", "0"]]
    assert [row[:2] for row in rows if row[:1] == ["2"]] == [["2", str(us)] for us in SPINS_US]


def test_a_change_of_style_needs_two(quick: list[object]):
    with pytest.raises(UsageError, match="--switch needs two styles"):
        call(*quick, "--switch")


def test_a_soak_tells_how_memory_grows(quick: list[object], tmp_path: Path):
    path = tmp_path / "soak.json"
    done = call(*quick, "--soak", 200, "--json", path)
    assert "MB per 1000 frames" in done.output
    found = json.loads(path.read_text())["soak"]
    assert (found["style"], found["frames"]) == ("trial", 200)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--sizes", "640*480"], r"size '640\*480': write a size as WIDTHxHEIGHT"),
        (["--sizes", "8x8"], "size '8x8'.*is the least"),
        (["--styles", "stary-night"], "unknown style 'stary-night'"),
        (["--sinks", "null,fiel"], "unknown sink 'fiel'; did you mean 'file'"),
        (["--json", "/nowhere/x.json"], "there is no folder /nowhere"),
        (["--plot", "/"], "/: is a folder"),
        (["--backend", "tensorflow"], "unknown backend"),
        (["--device", "cdua"], "did you mean 'cuda'"),
    ],
)
def test_a_wrong_word_is_refused_before_anything_is_measured(
    quick: list[object], words: list[str], message: str
):
    with pytest.raises(UsageError, match=message):
        call(*quick, *words)


def test_a_plot_without_matplotlib_is_refused_before_measuring(
    quick: list[object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(plot, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"needs matplotlib; pip install 'stylecam\[train\]'"):
        call(*quick, "--plot", tmp_path / "x.png")


def test_help_imports_nothing_heavy():
    import subprocess

    code = (
        "import sys; from realtime.commands.bench import bench; "
        "from realtime.commands.doctor import doctor; from realtime.commands.export import export; "
        "print({'onnxruntime', 'torch', 'cv2', 'matplotlib'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
