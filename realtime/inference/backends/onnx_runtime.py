"""The ONNX Runtime backend: runs the generator on the best device that really works.

The settings below were chosen by measurement: `stylecam bench --tune`, docs/bench.md.
"""

import contextlib
import io
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort

from models.card import MINIMUM_SIDE, StyleCard
from models.errors import ModelError, UsageError
from models.onnx.blocked_graph import BlockedGenerator, read_blocked
from models.onnx.fp16 import is_half, picture_difference, probe_picture, to_half
from models.onnx.frame_ends import FrameEnds, PlainEnds
from models.onnx.graph import WHOLE, CoarseCoding, frame_graph
from models.onnx.model_file import read_model
from models.onnx.session import SPIN_US, SessionSettings, session_options
from models.pictures import RGB
from models.system.cpu import physical_cores
from realtime.frames.resize import resize
from realtime.frames.size import Size
from realtime.inference.backends.providers import PROVIDERS, candidates, session_providers
from realtime.inference.upsample import Upsampler

USUAL_WIDTH = 640
"""A style is loaded before the width of its pictures is known. Most are multiples of 16, too."""


class ProviderFailed(Exception):  # noqa: N818
    """This build has the provider, but it does not start on this machine."""


@dataclass(frozen=True)
class RunningSession:
    """A running session, its device and precision, and remarks for the user. `ends`: what its
    graph takes and gives, if that is not simply the frame and the picture; `coding`: what the
    picture's bytes mean; `blocked`: what writes its graph, if there are others for other widths."""

    session: ort.InferenceSession
    device: str
    precision: str
    remarks: tuple[str, ...] = ()
    ends: FrameEnds | None = None
    coding: CoarseCoding = WHOLE
    blocked: BlockedGenerator | None = None


class OnnxRuntimeBackend:
    """A `Backend`. `device` is a key of PROVIDERS or "auto".

    `threads` None means one per physical core. `half` None means the provider's default
    (`Provider.half`). `spin_us` is explained at SPIN_US; 0 means no spinning. Only measurements
    set another value than the default.
    """

    def __init__(
        self,
        *,
        device: str = "auto",
        threads: int | None = None,
        half: bool | None = None,
        spin_us: int = SPIN_US,
        profile: Path | None = None,
    ) -> None:
        if threads is not None and threads < 1:
            raise UsageError(f"threads {threads}: must be 1 or more")
        self._device = device
        self._half = half
        self._settings = SessionSettings(threads or physical_cores(), spin_us, profile)
        self._session: ort.InferenceSession | None = None
        self._path = Path()
        self._where = ""
        self._shape: tuple[int, ...] = (0, 0)
        self._blocked: BlockedGenerator | None = None
        self._step = 0

    def load(self, card: StyleCard) -> str:
        """See `Backend.load`. With "auto", the line also says why no better device was taken."""
        self._path = card.path
        started = self._start(read_model(card.path))
        self._session, self._blocked = started.session, started.blocked
        self._upsampler = Upsampler(started.coding)
        self._where = started.device
        output = started.session.get_outputs()[0].name
        self._ends = started.ends or PlainEnds(output, started.coding.pitch)
        self._binding = started.session.io_binding()
        threads = self._settings.threads
        where = PROVIDERS[started.device].label
        line = f"ONNX Runtime {ort.__version__}, {where}, {started.precision}"
        line += f", {threads} thread{'s' if threads != 1 else ''}" if where == "CPU" else ""
        return line + "".join(f"; {remark}" for remark in started.remarks)

    def _start(self, file: onnx.ModelProto) -> RunningSession:
        """A session on the first device that works. With "auto", each failure becomes a remark."""
        remarks = []
        for device in candidates(self._device):
            try:
                started = self._start_on(device, file)
            except ProviderFailed as reason:
                if self._device != "auto":
                    raise UsageError(
                        f"device {device}: {PROVIDERS[device].label} failed to start: {reason}; "
                        f"{PROVIDERS[device].remedy}, or use --device auto"
                    ) from None
                remarks.append(f"{PROVIDERS[device].label} failed to start: {reason}")
                continue
            if self._device == "auto" and device == "cpu" and not remarks:
                remarks.append("this onnxruntime has no GPU provider (docs/gpu.md)")
            return replace(started, remarks=(*remarks, *started.remarks))
        raise UsageError(f"{self._path}: no device works: {'; '.join(remarks)}")

    def _start_on(self, device: str, file: onnx.ModelProto) -> RunningSession:
        """A session for a model file; a CPU may run another graph (blocked_graph.py)."""
        wanted = PROVIDERS[device].half if self._half is None else self._half
        # The blocked graph is tried first: a style is loaded while another one paints, and Python
        # that writes a graph that nobody runs would keep the painting waiting.
        if not wanted and device == "cpu" and (blocked := read_blocked(file)) is not None:
            session = self._blocked_session(blocked, USUAL_WIDTH)
            return RunningSession(session, device, "fp32", ends=blocked.frames, blocked=blocked)
        model, coding = frame_graph(file)
        return replace(self._start_graph(device, model, half=wanted), coding=coding)

    def _blocked_session(self, blocked: BlockedGenerator, width: int) -> ort.InferenceSession:
        """For pictures of that width, and others of its step."""
        self._step = blocked.step(width)
        return self._session_on("cpu", blocked.graph(self._step), optimise=False)

    def _start_graph(self, device: str, model: onnx.ModelProto, *, half: bool) -> RunningSession:
        if is_half(model):
            return RunningSession(self._session_on(device, model), device, "fp16")
        if any(node.op_type == "DequantizeLinear" for node in model.graph.node):
            return RunningSession(self._session_on(device, model), device, "int8")
        if not half:
            return RunningSession(self._session_on(device, model), device, "fp32")
        try:
            halved = self._session_on(device, to_half(model))
            off = picture_difference(
                _paint_once(self._session_on("cpu", model)), _paint_once(halved)
            )
            if off.acceptable:
                return RunningSession(halved, device, "fp16")
            reason = f"half precision is off by {off}"
        except ModelError as error:
            reason = f"half precision is not possible: {error}"
        full = self._session_on(device, model)
        return RunningSession(full, device, "fp32", (f"{reason}; using fp32",))

    def _session_on(
        self, device: str, model: onnx.ModelProto, *, optimise: bool = True
    ) -> ort.InferenceSession:
        """A session whose first provider is that of `device`.

        Raises ProviderFailed with the reason, or on the CPU ModelError if the model is refused.
        """
        if device in ("cuda", "tensorrt") and hasattr(ort, "preload_dlls"):
            with contextlib.redirect_stdout(io.StringIO()):  # it prints what it did not find
                ort.preload_dlls()
        providers = session_providers(device)
        try:
            session = ort.InferenceSession(
                model.SerializeToString(),
                session_options(self._settings, optimise=optimise),
                providers=providers,
                enable_fallback=0,
            )
        except Exception as error:  # pybind's exceptions share no base that ORT exports
            if device == "cpu":
                reason = f"ONNX Runtime cannot load it: {_line(error)}"
                raise ModelError(f"{self._path}: {reason}") from None
            raise ProviderFailed(_line(error)) from None
        if session.get_providers()[0] != providers[0][0]:
            raise ProviderFailed("its libraries or its driver did not load")
        return session

    @property
    def needs_frame(self) -> bool:
        """See `Backend.needs_frame`."""
        return self._upsampler.needs_frame

    @property
    def first_is_slow(self) -> bool:
        """See `Backend.first_is_slow`. On a CPU nothing is planned."""
        return self._where != "cpu"

    @property
    def threads(self) -> int | None:
        """See `Backend.threads`."""
        return self._settings.threads if self._where == "cpu" else None

    def warm_up(self, height: int, width: int) -> None:
        self.stylize(np.zeros((height, width, 3), np.uint8))

    def stylize(self, rgb: RGB, strength: float = 1.0, *, at: Size | None = None) -> RGB:
        """See `Backend.stylize`. `rgb` may be any array view; the result is a new array.

        Raises UsageError for a picture that is too small for the generators.
        """
        small = resize(rgb, *at) if at else rgb
        check_size(small)
        session = self._fitting_session(small.shape[1])
        # The binding takes a raw address: a flipped or cropped view would be read wrongly.
        given, out = self._ends.given(small), self._ends.room(small)
        binding = self._binding
        _bind(binding.bind_input, self._ends.input, given)
        _bind(binding.bind_output, self._ends.output, out)
        session.run_with_iobinding(binding, self._run_options(small.shape))
        return self._upsampler.compose(rgb, self._ends.picture(out, small), strength)

    def _fitting_session(self, width: int) -> ort.InferenceSession:
        """The session for pictures of that width. Of those for several widths one is held, to save
        memory."""
        assert self._session is not None, "load first"
        if self._blocked and self._blocked.step(width) != self._step:
            self._session = self._blocked_session(self._blocked, width)
            self._binding = self._session.io_binding()
        return self._session

    def _run_options(self, shape: tuple[int, ...]) -> ort.RunOptions | None:
        """On the CPU, options that free the memory of the old size when a smaller one comes."""
        before, self._shape = self._shape, shape
        if shape[0] * shape[1] >= before[0] * before[1] or self._where != "cpu":
            return None
        options = ort.RunOptions()
        options.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
        return options

    def end_profile(self) -> Path:
        """End the profiling that was asked for; return the path of the profile."""
        assert self._session is not None, "load first"
        return Path(self._session.end_profiling())

    def close(self) -> None:
        """Free the model and its threads. May be called twice."""
        self._session = None
        self._binding = None


def check_size(rgb: RGB) -> None:
    """Raise UsageError for a picture that is too small for any generator."""
    assert rgb.dtype == np.uint8, rgb.dtype
    assert rgb.ndim == 3 and rgb.shape[2] == 3, rgb.shape
    height, width = rgb.shape[:2]
    if min(height, width) < MINIMUM_SIDE:
        raise UsageError(
            f"a picture of {width}×{height} pixels is too small to paint; "
            f"the minimum is {MINIMUM_SIDE}×{MINIMUM_SIDE}"
        )


def _bind(bind: Any, name: str, array: np.ndarray) -> None:
    bind(name, "cpu", 0, array.dtype.type, array.shape, array.ctypes.data)


def _paint_once(session: ort.InferenceSession) -> RGB:
    (painted,) = session.run(None, {"frame": probe_picture(128)})
    return np.asarray(painted, np.uint8)


def _line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
