"""ONNX Runtime: which device it takes, and what it says of it."""

import math
import subprocess
import sys

import numpy as np
import onnx
import onnxruntime
import pytest

from models.card import MINIMUM_SIDE, StyleCard
from models.errors import ModelError, UsageError
from models.generator.architecture import dense, fast, folded, small
from models.generator.parameters import random_weights
from models.onnx import blocked_graph
from models.onnx.blocked_graph import usable_block
from models.onnx.fp16 import probe_picture
from models.onnx.graph import frame_graph
from models.onnx.model_file import read_model
from models.onnx.session import cpu_session
from realtime.inference.backends import providers
from realtime.inference.backends.onnx_runtime import OnnxRuntimeBackend


def without_gpu() -> bool:
    others = set(onnxruntime.get_available_providers()) - {"CPUExecutionProvider"}
    return not others & {p.name for p in providers.PROVIDERS.values()}


def test_the_line_says_what_runs_it(swap: StyleCard):
    line = OnnxRuntimeBackend(device="cpu", threads=2).load(swap)
    assert line == f"ONNX Runtime {onnxruntime.__version__}, CPU, fp32, 2 threads"


@pytest.mark.skipif(not without_gpu(), reason="this onnxruntime has a GPU provider")
def test_auto_falls_back_to_the_cpu_aloud(swap: StyleCard):
    line = OnnxRuntimeBackend(threads=1).load(swap)
    assert line.endswith("CPU, fp32, 1 thread; this onnxruntime has no GPU provider (docs/gpu.md)")


@pytest.mark.skipif(not without_gpu(), reason="this onnxruntime has a GPU provider")
def test_a_provider_that_is_listed_but_does_not_start_is_named(
    swap: StyleCard, monkeypatch: pytest.MonkeyPatch
):
    there = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: there)
    auto = OnnxRuntimeBackend(device="auto", threads=1)
    with pytest.warns(UserWarning, match="CUDAExecutionProvider"):
        line = auto.load(swap)
    assert "CPU, fp32, 1 thread; CUDA failed to start: its libraries or its driver" in line
    assert auto.stylize(np.zeros((MINIMUM_SIDE, MINIMUM_SIDE, 3), np.uint8))[0, 0, 1] == 51
    with (
        pytest.warns(UserWarning, match="CUDAExecutionProvider"),
        pytest.raises(UsageError, match=r"device cuda: CUDA failed to start.*--device auto"),
    ):
        OnnxRuntimeBackend(device="cuda").load(swap)


def test_a_graph_without_strength_is_mixed_with_the_frame(make_style):
    architecture = folded(small(0.3))
    card = make_style(architecture, random_weights(architecture), with_strength=False)
    backend = OnnxRuntimeBackend(device="cpu", threads=1)
    backend.load(card)
    frame = probe_picture(MINIMUM_SIDE)
    painted = backend.stylize(frame).astype(float)
    assert np.abs(painted - frame).mean() > 5
    half = backend.stylize(frame, 0.5).astype(float)
    assert np.abs(half - (painted + frame) / 2).max() <= 1


def test_half_precision_that_is_off_is_refused_aloud(make_style):
    architecture = folded(fast(0.25))
    weights = random_weights(architecture)
    weights["core.2.body.0.conv.bias"] += 1e6
    backend = OnnxRuntimeBackend(device="cpu", threads=1, half=True)
    line = backend.load(make_style(architecture, weights))
    assert ", fp32, 1 thread; half precision is not possible" in line
    assert "core.2.body.0.conv.bias" in line
    assert line.endswith("using fp32")


def test_half_precision_is_used_when_asked_for(brush: StyleCard, picture: np.ndarray):
    full = OnnxRuntimeBackend(device="cpu", threads=1)
    full.load(brush)
    half = OnnxRuntimeBackend(device="cpu", threads=1, half=True)
    assert ", fp16, " in half.load(brush)
    off = np.abs(full.stylize(picture).astype(int) - half.stylize(picture).astype(int))
    assert 0 < off.mean() < 0.5


def test_zero_threads_are_refused():
    with pytest.raises(UsageError, match="threads 0"):
        OnnxRuntimeBackend(threads=0)


def test_an_onnx_file_that_is_not_ours_is_refused(swap: StyleCard):
    model = onnx.load(swap.path)
    model.graph.output[0].name = "other"
    model.graph.node[-1].output[0] = "other"
    onnx.save(model, swap.path)
    with pytest.raises(ModelError, match="not a stylecam generator"):
        OnnxRuntimeBackend(device="cpu").load(swap)


def test_workers_are_quiet_between_frames(brush: StyleCard):
    """Spinning workers would burn a core while the program waits for the next frame."""
    code = """
import sys, time
import numpy as np
from pathlib import Path
from models.card import load_card
from realtime.inference.backends.onnx_runtime import OnnxRuntimeBackend
backend = OnnxRuntimeBackend(device="cpu", threads=2)
backend.load(load_card(Path(sys.argv[1])))
time.sleep(0.5)  # a thread that ONNX Runtime starts when it is imported is busy for 0.1 s
idle = 0.0
for _ in range(20):
    backend.warm_up(192, 192)
    before = time.process_time()
    time.sleep(0.03)
    idle += time.process_time() - before
print(idle)
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(brush.path)], capture_output=True, text=True, check=True
    )
    assert float(done.stdout) < 0.05


def test_on_a_cpu_the_first_picture_needs_no_other_before_it(brush: StyleCard):
    backend = OnnxRuntimeBackend(device="cpu", threads=1)
    backend.load(brush)
    assert not backend.first_is_slow
    assert backend.threads == 1


def test_memory_of_a_larger_size_is_given_back(brush: StyleCard):
    """Stepping the processing size down must not keep what the large frames needed."""
    code = """
import sys
import numpy as np
from pathlib import Path
from models.card import load_card
from realtime.inference.backends.onnx_runtime import OnnxRuntimeBackend
from realtime.bench.end_to_end.worker import memory
backend = OnnxRuntimeBackend(device="cpu", threads=1)
backend.load(load_card(Path(sys.argv[1])))
held = []
for height, width in ((64, 64), (1080, 1920), (64, 64)):
    for _ in range(3):
        backend.warm_up(height, width)
    held.append(memory("VmRSS"))
print(*held)
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(brush.path)], capture_output=True, text=True, check=True
    )
    small, large, again = map(float, done.stdout.split())
    if math.isnan(large):
        pytest.skip("this system has no /proc/self/status to read memory from")
    assert again - small < 0.5 * (large - small)


@pytest.fixture
def fresh_probe():
    """The runtime is tried anew, before the test and after it."""
    usable_block.cache_clear()
    yield
    usable_block.cache_clear()


@pytest.mark.usefixtures("fresh_probe")
def test_a_runtime_without_the_blocked_layout_paints_the_same(monkeypatch, make_style, capfd):
    architecture = folded(dense(0.25))
    card = make_style(architecture, random_weights(architecture))
    painted = []
    for domain in (blocked_graph.DOMAIN, "no.such.domain"):
        monkeypatch.setattr(blocked_graph, "DOMAIN", domain)
        usable_block.cache_clear()
        backend = OnnxRuntimeBackend(device="cpu", threads=1)
        backend.load(card)
        painted.append(backend.stylize(probe_picture(61)).astype(int))
        backend.close()
    assert usable_block() is None
    assert np.abs(painted[0] - painted[1]).max() <= 1
    assert capfd.readouterr() == ("", "")


def test_pictures_of_changing_widths_are_painted_as_by_the_usual_graph(make_style):
    architecture = folded(dense(quarter=8, eighth=48, blocks=1, quarter_blocks=0, head_width=8))
    card = make_style(architecture, random_weights(architecture))
    usual = cpu_session(frame_graph(read_model(card.path))[0])
    backend = OnnxRuntimeBackend(device="cpu", threads=1)
    backend.load(card)
    for width in (64, 72, 71, 80, 49):  # multiples of 16 may have a graph of their own
        frame = np.ascontiguousarray(probe_picture(80)[:, :width])
        (expected,) = usual.run(None, {"frame": frame})
        assert np.abs(backend.stylize(frame).astype(int) - expected).max() <= 1
    backend.close()
