"""The OpenVINO backend: runs the generator on a CPU, in bf16 if it has matrix units (AMX).

Optional: pip install 'stylecam[openvino]'. OpenVINO is imported only when a model is loaded.
"""

from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from models.card import StyleCard
from models.errors import ModelError, UsageError
from models.onnx.fp16 import picture_difference, probe_picture
from models.onnx.graph import frame_graph
from models.onnx.model_file import read_model
from models.pictures import RGB
from models.system.cpu import physical_cores
from models.system.machine import this_machine
from realtime.frames.resize import resize
from realtime.frames.size import Size
from realtime.inference.backends.onnx_runtime import check_size
from realtime.inference.upsample import Upsampler

DEVICES = ("auto", "cpu")
AMX = "AMX BF16"
"""Without this instruction set, bf16 is no faster than fp32 (docs/bench.md)."""


class OpenVinoBackend:
    """A `Backend`. `threads` None means one per physical core.

    `half` None means bf16 if the CPU has AMX, else fp32; True means bf16 on any CPU that
    supports it.
    """

    def __init__(
        self, *, device: str = "auto", threads: int | None = None, half: bool | None = None
    ) -> None:
        if device not in DEVICES:
            raise UsageError(
                f"device {device}: the openvino backend runs on the CPU; use --device auto, "
                "or --backend onnx"
            )
        if threads is not None and threads < 1:
            raise UsageError(f"threads {threads}: must be 1 or more")
        self._threads = threads or physical_cores()
        self._half = half
        self._request: Any = None

    def load(self, card: StyleCard) -> str:
        """See `Backend.load`. Compiling takes tenths of a second, longer than in ONNX Runtime."""
        openvino = import_openvino()
        model, coding = frame_graph(read_model(card.path))
        self._upsampler = Upsampler(coding)
        core = openvino.Core()
        content = rounded_in_steps(model).SerializeToString()
        try:
            network = core.read_model(content, b"")
            self._request, precision, remark = self._start(openvino, core, network)
        except RuntimeError as error:
            raise ModelError(f"{card.path}: OpenVINO cannot load it: {_line(error)}") from None
        plural = "s" if self._threads != 1 else ""
        version = openvino.__version__.split("-")[0]
        return f"OpenVINO {version}, CPU, {precision}, {self._threads} thread{plural}{remark}"

    def _start(self, openvino: Any, core: Any, network: Any) -> tuple[Any, str, str]:
        """The infer request, its precision, and a remark about it ("" for none)."""
        full = self._request_in(openvino.Type.f32, openvino, core, network)
        if not self._wants_half(core):
            return full, "fp32", ""
        half = self._request_in(openvino.Type.bf16, openvino, core, network)
        off = picture_difference(_infer(full, probe_picture(128)), _infer(half, probe_picture(128)))
        if off.acceptable:
            return half, "bf16", ""
        return full, "fp32", f"; half precision is off by {off}; using fp32"

    def _wants_half(self, core: Any) -> bool:
        if self._half is None:
            return AMX in this_machine().instruction_sets
        if self._half and "BF16" not in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
            raise UsageError("half precision: this CPU knows no bf16; leave --half out")
        return self._half

    def _request_in(self, precision: Any, openvino: Any, core: Any, network: Any) -> Any:
        from openvino.properties import hint, inference_num_threads

        settings = {
            # Set for fp32 too: by default OpenVINO uses bf16 on every CPU that supports it.
            hint.inference_precision(): precision,
            hint.performance_mode(): hint.PerformanceMode.LATENCY,
            hint.num_requests(): 1,
            inference_num_threads(): self._threads,
        }
        return core.compile_model(network, "CPU", settings).create_infer_request()

    @property
    def needs_frame(self) -> bool:
        """See `Backend.needs_frame`."""
        return self._upsampler.needs_frame

    @property
    def first_is_slow(self) -> bool:
        """See `Backend.first_is_slow`."""
        return True

    @property
    def threads(self) -> int | None:
        """See `Backend.threads`."""
        return self._threads

    def warm_up(self, height: int, width: int) -> None:
        self.stylize(np.zeros((height, width, 3), np.uint8))

    def stylize(self, rgb: RGB, strength: float = 1.0, *, at: Size | None = None) -> RGB:
        """See `Backend.stylize`. `rgb` may be any array view; the result is a new array.

        Raises UsageError for a picture that is too small for the generators.
        """
        assert self._request is not None, "load first"
        small = resize(rgb, *at) if at else rgb
        check_size(small)
        return self._upsampler.compose(rgb, _infer(self._request, small), strength)

    def close(self) -> None:
        """Free the model and its threads. May be called twice."""
        self._request = None


def _infer(request: Any, rgb: RGB) -> RGB:
    """The graph's output, copied because the request overwrites it in the next run."""
    return np.asarray(request.infer([np.ascontiguousarray(rgb)])[0], np.uint8)


def rounded_in_steps(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same graph with the final step to bytes spelled out: scale, shift, round, clip, cast.

    OpenVINO 2026.4 fuses QuantizeLinear into the preceding convolution and loses that
    convolution's bias: colours would be off by up to 17 levels (a test would show it).
    """
    spelled = onnx.ModelProto.FromString(model.SerializeToString())
    graph = spelled.graph
    constants = {tensor.name: tensor for tensor in graph.initializer}
    widened = {n.input[0] for n in graph.node if n.op_type == "DequantizeLinear"}
    for node in [n for n in graph.node if n.op_type == "QuantizeLinear"]:
        if node.output[0] in widened:
            continue  # inside a quantised graph
        step, zero = (numpy_helper.to_array(constants[name]) for name in node.input[1:3])
        out = node.output[0]
        names = [f"{out}_{part}" for part in ("gain", "zero", "least", "most")]
        values = (1 / step, zero, 0, 255)
        graph.initializer.extend(
            numpy_helper.from_array(np.array(value, np.float32), name)
            for name, value in zip(names, values, strict=True)
        )
        gain, shift, least, most = names
        steps = [
            helper.make_node("Mul", [node.input[0], gain], [f"{out}_scaled"]),
            helper.make_node("Add", [f"{out}_scaled", shift], [f"{out}_shifted"]),
            helper.make_node("Round", [f"{out}_shifted"], [f"{out}_rounded"]),
            helper.make_node("Clip", [f"{out}_rounded", least, most], [f"{out}_clipped"]),
            helper.make_node("Cast", [f"{out}_clipped"], [out], to=TensorProto.UINT8),
        ]
        position = list(graph.node).index(node)
        graph.node.remove(node)
        for i, new in enumerate(steps):
            graph.node.insert(position + i, new)
    return spelled


def import_openvino() -> Any:
    """The module openvino. Raises UsageError that says how to install it if it is missing."""
    try:
        import openvino
    except ImportError:
        raise UsageError(
            "the openvino backend needs OpenVINO; pip install 'stylecam[openvino]', "
            "or use --backend onnx"
        ) from None
    return openvino


def _line(error: Exception) -> str:
    """The last line of OpenVINO's message; the lines before it name its own source files."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__
