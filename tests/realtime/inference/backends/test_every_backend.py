"""What every backend must do, on a CPU: one contract, however many runtimes."""

import importlib.util
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from models.card import MINIMUM_SIDE as SIDE
from models.card import StyleCard
from models.errors import ModelError, UsageError
from realtime.inference.backends import Backend
from realtime.inference.backends.registry import BACKENDS, make_backend

OPTIONAL = {"torch": "train", "openvino": "openvino"}
"""Backend and module, to the extra that installs it."""


def missing(name: str) -> bool:
    return name in OPTIONAL and importlib.util.find_spec(name) is None


def skip_if_missing(name: str) -> None:
    if missing(name):
        pytest.skip(f"{name} is not installed (pip install 'stylecam[{OPTIONAL[name]}]')")


@pytest.fixture(params=sorted(BACKENDS))
def backend(request: pytest.FixtureRequest) -> Backend:
    skip_if_missing(request.param)
    return make_backend(request.param, "cpu", threads=1)


def test_red_stays_in_the_red_channel(backend: Backend, swap: StyleCard):
    backend.load(swap)
    frame = np.zeros((50, 60, 3), np.uint8)
    frame[:, :30] = (200, 10, 0)
    frame[:, 30:] = (0, 10, 100)
    painted = backend.stylize(frame)
    assert painted[20, 5].tolist() == [0, 61, 200]
    assert painted[20, 50].tolist() == [100, 61, 0]


def test_strength_goes_from_the_input_to_the_style(backend: Backend, swap: StyleCard):
    backend.load(swap)
    frame = np.full((SIDE, SIDE, 3), (200, 100, 40), np.uint8)
    assert np.array_equal(backend.stylize(frame, 0.0), frame)
    assert backend.stylize(frame, 0.5)[0, 0].tolist() == pytest.approx([120, 125.5, 120], abs=0.6)
    assert backend.stylize(frame, 1.0)[0, 0].tolist() == [40, 151, 200]


def test_any_size_and_any_view_come_back_whole(
    backend: Backend, swap: StyleCard, picture: np.ndarray
):
    backend.load(swap)
    for view in (picture, picture[:, ::-1], picture[::-1], picture[3:60, 7:90], picture[::2, ::2]):
        view.flags.writeable = False
        painted = backend.stylize(view)
        assert painted.shape == view.shape
        assert painted.dtype == np.uint8
        assert np.array_equal(painted[..., 0], view[..., 2])
        assert np.array_equal(painted[..., 2], view[..., 0])


def test_a_frame_that_was_given_out_is_never_written_again(
    backend: Backend, brush: StyleCard, picture: np.ndarray
):
    backend.load(brush)
    backend.warm_up(*picture.shape[:2])
    first = backend.stylize(picture)
    kept = first.copy()
    backend.stylize(255 - picture)
    assert np.array_equal(first, kept)


def test_a_picture_that_is_too_small_is_refused_with_the_least_size(
    backend: Backend, swap: StyleCard
):
    backend.load(swap)
    with pytest.raises(UsageError, match=rf"20×40 pixels is too small.*{SIDE}×{SIDE}"):
        backend.stylize(np.zeros((40, 20, 3), np.uint8))


@pytest.mark.parametrize("content", [b"", b"not a model", b"\x08\x08\x12\x00" * 50])
def test_a_damaged_file_is_one_line_that_names_it(
    backend: Backend, swap: StyleCard, content: bytes
):
    swap.path.write_bytes(content)
    with pytest.raises(ModelError) as caught:
        backend.load(swap)
    assert str(swap.path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_truncated_model_is_refused(backend: Backend, brush: StyleCard):
    content = brush.path.read_bytes()
    brush.path.write_bytes(content[: len(content) // 2])
    with pytest.raises(ModelError, match="damaged"):
        backend.load(brush)


def test_a_missing_file_is_a_wrong_name(backend: Backend, swap: StyleCard):
    with pytest.raises(UsageError, match="no such model file"):
        backend.load(swap.model_copy(update={"path": Path("/nowhere/x.onnx")}))


def test_close_may_be_called_twice_and_before_load(backend: Backend, swap: StyleCard):
    backend.close()
    backend.load(swap)
    backend.close()
    backend.close()


def test_cuda_where_there_is_none_is_a_wrong_usage(swap: StyleCard):
    for name in sorted(BACKENDS):
        if missing(name) or (name == "torch" and _cuda()):
            continue
        with pytest.raises(UsageError, match=r"device cuda.*--device auto") as caught:
            make_backend(name, "cuda").load(swap)
        assert caught.value.exit_code == 2


def _cuda() -> bool:
    import torch

    return torch.cuda.is_available()


@pytest.mark.parametrize("other", sorted(OPTIONAL))
@pytest.mark.parametrize("strength", [1.0, 0.4])
def test_every_runtime_paints_the_same_picture(
    brush: StyleCard, picture: np.ndarray, strength: float, other: str
):
    skip_if_missing(other)
    painted = {}
    for name in ("onnx", other):
        backend = make_backend(name, "cpu", threads=1)
        backend.load(brush)
        painted[name] = backend.stylize(picture, strength).astype(int)
    changed = np.abs(painted["onnx"] - picture).mean()
    assert changed > 5, "the style must do something, else this test proves nothing"
    assert np.abs(painted["onnx"] - painted[other]).max() <= 2


def test_torch_says_that_it_does_not_compute_in_int8(brush: StyleCard):
    skip_if_missing("torch")
    with pytest.raises(ModelError, match=r"is an int8 model.*--backend onnx"):
        make_backend("torch", "cpu").load(brush.model_copy(update={"precision": "int8"}))


@pytest.mark.gpu
@pytest.mark.parametrize("name", ["onnx", "torch"])
def test_a_gpu_in_half_precision_paints_what_the_cpu_paints(
    name: str, brush: StyleCard, picture: np.ndarray
):
    if not _cuda():
        pytest.skip("needs a CUDA device")
    if name == "onnx" and "CUDAExecutionProvider" not in onnxruntime.get_available_providers():
        pytest.skip("needs onnxruntime-gpu")
    gpu = make_backend(name, "cuda")
    line = gpu.load(brush)
    assert "fp16" in line
    cpu = make_backend("onnx", "cpu")
    cpu.load(brush)
    gpu.warm_up(*picture.shape[:2])
    off = np.abs(gpu.stylize(picture).astype(int) - cpu.stylize(picture).astype(int))
    assert off.mean() < 2


@pytest.mark.parametrize(
    ("backend", "device", "hint"),
    [("onx", "cpu", "did you mean 'onnx'"), ("onnx", "cdua", "did you mean 'cuda'")],
)
def test_a_wrong_name_is_answered_with_the_nearest(backend: str, device: str, hint: str):
    with pytest.raises(UsageError, match=hint):
        make_backend(backend, device)
