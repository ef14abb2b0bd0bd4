"""Makes the backend that the user's options name."""

from collections.abc import Callable

from models.errors import lookup
from realtime.inference.backends import Backend
from realtime.inference.backends.providers import PROVIDERS


def _onnx(device: str, threads: int | None, half: bool | None) -> Backend:
    from realtime.inference.backends.onnx_runtime import OnnxRuntimeBackend

    return OnnxRuntimeBackend(device=device, threads=threads, half=half)


def _torch(device: str, threads: int | None, half: bool | None) -> Backend:
    from realtime.inference.backends.torch_runtime import TorchBackend

    return TorchBackend(device=device, threads=threads, half=half)


def _openvino(device: str, threads: int | None, half: bool | None) -> Backend:
    from realtime.inference.backends.openvino_runtime import OpenVinoBackend

    return OpenVinoBackend(device=device, threads=threads, half=half)


BACKENDS: dict[str, Callable[[str, int | None, bool | None], Backend]] = {
    "onnx": _onnx,
    "torch": _torch,
    "openvino": _openvino,
}

DEVICES = ("auto", *PROVIDERS)
"""Every device that at least one backend knows."""


def make_backend(
    backend: str, device: str, *, threads: int | None = None, half: bool | None = None
) -> Backend:
    """A backend that is not loaded yet. Heavy libraries are imported only here.

    Raises UsageError for an unknown backend or device. Whether the device is available turns
    out only when a model is loaded.
    """
    lookup("device", device, dict.fromkeys(DEVICES))
    return lookup("backend", backend, BACKENDS)(device, threads, half)
