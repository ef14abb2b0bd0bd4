"""The table of all devices that a generator may run on, and the choice of one by name.

Each is an execution provider of ONNX Runtime; the other backends know a few of them. Importing
this loads no runtime, so that the help can list the devices.
"""

from dataclasses import dataclass, field
from typing import Any

import platformdirs

from models.errors import UsageError, lookup


@dataclass(frozen=True)
class Provider:
    """One execution provider: its name in ONNX Runtime, what installs it, and its options.

    `half` says that it uses half precision by default.
    """

    label: str
    name: str
    remedy: str
    half: bool = False
    options: dict[str, Any] = field(default_factory=dict)


GPU_PACKAGE = (
    "install the GPU build (pip uninstall -y onnxruntime; pip install "
    "'onnxruntime-gpu[cuda,cudnn]') and NVIDIA's driver"
)

PROVIDERS: dict[str, Provider] = {
    "cuda": Provider(
        "CUDA",
        "CUDAExecutionProvider",
        GPU_PACKAGE,
        half=True,
        # The exhaustive search pays off in a long run: it is made once per frame size.
        options={
            "cudnn_conv_algo_search": "EXHAUSTIVE",
            "arena_extend_strategy": "kSameAsRequested",
        },
    ),
    "tensorrt": Provider(
        "TensorRT",
        "TensorrtExecutionProvider",
        GPU_PACKAGE + ", and pip install tensorrt",
        half=True,
        options={"trt_engine_cache_enable": True, "trt_timing_cache_enable": True},
    ),
    "coreml": Provider(
        "CoreML",
        "CoreMLExecutionProvider",
        "the macOS build of onnxruntime has it (pip install onnxruntime)",
        options={"ModelFormat": "MLProgram"},
    ),
    "directml": Provider(
        "DirectML",
        "DmlExecutionProvider",
        "on Windows: pip uninstall -y onnxruntime; pip install onnxruntime-directml",
        half=True,
    ),
    "openvino": Provider(
        "OpenVINO",
        "OpenVINOExecutionProvider",
        "pip uninstall -y onnxruntime; pip install onnxruntime-openvino",
    ),
    "cpu": Provider(
        "CPU",
        "CPUExecutionProvider",
        "pip install onnxruntime",
        # The default, doubling the arena at each step, needs more memory and was measured to be no
        # faster (docs/bench.md).
        options={"arena_extend_strategy": "kSameAsRequested"},
    ),
}

AUTOMATIC = ("cuda", "directml", "coreml", "cpu")
"""What `auto` tries, best first. TensorRT and OpenVINO must be asked for by name: building the
TensorRT engine takes minutes, and OpenVINO in fp32 showed no advantage in our measurements."""


def candidates(device: str) -> list[str]:
    """The devices to try, in order, for the device that the user asked for.

    "auto" gives those of AUTOMATIC that this build of ONNX Runtime has; a name gives itself.
    Raises UsageError with the remedy if the build lacks the named device.
    """
    import onnxruntime as ort

    there = set(ort.get_available_providers())
    if device == "auto":
        return [name for name in AUTOMATIC if PROVIDERS[name].name in there]
    provider = lookup("device", device, {"auto": PROVIDERS["cpu"], **PROVIDERS})
    if provider.name not in there:
        raise UsageError(
            f"device {device}: this build of onnxruntime has no {provider.name}; "
            f"{provider.remedy}, or use --device auto"
        )
    return [device]


def session_providers(device: str) -> list[tuple[str, dict[str, Any]]]:
    """The providers argument of InferenceSession; the CPU comes last, for unsupported operators."""
    wanted = PROVIDERS[device]
    options = dict(wanted.options)
    if device == "tensorrt":
        cache = platformdirs.user_cache_path("stylecam", ensure_exists=True)
        options |= {"trt_engine_cache_path": str(cache), "trt_timing_cache_path": str(cache)}
    behind = ["cuda", "cpu"] if device == "tensorrt" else ["cpu"]
    rest = [PROVIDERS[name] for name in behind if name != device]
    return [(wanted.name, options), *((p.name, dict(p.options)) for p in rest)]
