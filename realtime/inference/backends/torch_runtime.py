"""The torch backend: half precision, channels-last and CUDA graphs on an NVIDIA GPU.

On a CPU the same code runs in fp32. torch is imported only when a model is loaded.
"""

from typing import TYPE_CHECKING, Any

import numpy as np

from models.card import StyleCard
from models.errors import ModelError, UsageError, lookup
from models.onnx.model_file import read_model
from models.pictures import RGB
from models.system.torch_install import INSTALL
from realtime.frames.resize import resize
from realtime.frames.size import Size
from realtime.inference.backends.onnx_runtime import check_size
from realtime.inference.upsample import Upsampler

if TYPE_CHECKING:
    import torch

DEVICES = ("auto", "cuda", "cpu")
WARM_UP_RUNS = 3


class TorchBackend:
    """A `Backend`. `threads` None keeps torch's own choice; a number applies to the whole process.

    `half` None means half precision on CUDA. On a CPU half precision is refused: it is slower.
    """

    def __init__(
        self, *, device: str = "auto", threads: int | None = None, half: bool | None = None
    ) -> None:
        lookup("device for the torch backend", device, dict.fromkeys(DEVICES))
        self._wanted = device
        self._threads = threads
        self._half = half
        self._graph: CapturedGraph | None = None
        self._module: Any = None
        self._remark = ""

    def load(self, card: StyleCard) -> str:
        """See `Backend.load`."""
        torch = import_torch()
        from models.generator.network import load_generator
        from models.onnx.graph import coarse_coding, read_weights

        if card.precision == "int8":
            raise ModelError(
                f"{card.path}: is an int8 model, which the torch backend does not support; "
                "use --backend onnx, or the style in full precision"
            )
        self._device = self._pick_device(torch)
        cuda = self._device.type == "cuda"
        half = cuda if self._half is None else self._half
        if half and not cuda:
            raise UsageError("half precision on a CPU is slower, not faster: leave --half out")
        self._dtype = torch.float16 if half else torch.float32
        if self._threads:
            torch.set_num_threads(self._threads)
        try:
            architecture, weights = read_weights(read_model(card.path))
            state = {name: torch.from_numpy(w.astype(np.float32)) for name, w in weights.items()}
            module = load_generator(architecture, state)
        except (KeyError, RuntimeError, ValueError) as error:
            raise ModelError(
                f"{card.path}: its weights do not match its architecture "
                f"({str(error).splitlines()[0]}); export it again"
            ) from None
        self._coding = coarse_coding(architecture)
        self._upsampler = Upsampler(self._coding)
        module = module.to(self._device, self._dtype)
        self._module = module.to(memory_format=torch.channels_last)
        return self._describe(torch)

    def _pick_device(self, torch: Any) -> "torch.device":
        there = torch.cuda.is_available()
        if self._wanted == "cuda" and not there:
            raise UsageError(
                "device cuda: torch finds no CUDA device (nvidia-smi should list one, and torch "
                "must be a CUDA build); or use --device auto"
            )
        if self._wanted == "auto" and not there:
            self._remark = "; torch finds no CUDA device"
        return torch.device("cuda" if there and self._wanted != "cpu" else "cpu")

    def _describe(self, torch: Any) -> str:
        if self._device.type == "cuda":
            name = torch.cuda.get_device_name(self._device)
            precision = "fp16" if self._dtype == torch.float16 else "fp32"
            return f"torch {torch.__version__}, CUDA ({name}), {precision}, channels-last"
        threads = torch.get_num_threads()
        plural = "s" if threads != 1 else ""
        return f"torch {torch.__version__}, CPU, fp32, {threads} thread{plural}{self._remark}"

    @property
    def needs_frame(self) -> bool:
        """See `Backend.needs_frame`."""
        return self._upsampler.needs_frame

    @property
    def first_is_slow(self) -> bool:
        """See `Backend.first_is_slow`."""
        return bool(self._device.type != "cpu")

    @property
    def threads(self) -> int | None:
        """See `Backend.threads`. torch knows one number for the whole process."""
        return None

    def warm_up(self, height: int, width: int) -> None:
        """See `Backend.warm_up`. On CUDA, records the work for this size as a CUDA graph."""
        import torch

        self._graph = None
        frame = torch.zeros((height, width, 3), dtype=torch.uint8, device=self._device)
        for _ in range(WARM_UP_RUNS if self._device.type == "cuda" else 1):
            self._coarse(frame)
        if self._device.type == "cuda":
            self._graph = CapturedGraph(self._coarse, frame)

    def stylize(self, rgb: RGB, strength: float = 1.0, *, at: Size | None = None) -> RGB:
        """See `Backend.stylize`."""
        import torch

        assert self._module is not None, "load first"
        small = resize(rgb, *at) if at else rgb
        check_size(small)
        frame = torch.from_numpy(np.array(small))
        if self._graph is not None and self._graph.fits(frame):
            coarse = self._graph.replay(frame)
        else:
            coarse = self._coarse(frame.to(self._device))
        return self._upsampler.compose(rgb, coarse.cpu().numpy(), strength)

    def _coarse(self, frame: "torch.Tensor") -> "torch.Tensor":
        """Frame (H, W, 3) uint8 on the device to the coarse picture, coded as in the ONNX graph."""
        import torch

        with torch.inference_mode():
            planes = frame.permute(2, 0, 1).unsqueeze(0).to(self._dtype) / 255
            planes = planes.contiguous(memory_format=torch.channels_last)
            levels = self._module.coarse(planes) * (255 / self._coding.step) + self._coding.zero
            coded = (levels + 0.5).clamp(0, 255).to(torch.uint8)
            return coded[0].permute(1, 2, 0).contiguous()

    def close(self) -> None:
        """Free the model. May be called twice."""
        self._graph = None
        self._module = None


class CapturedGraph:
    """The work for one frame size, recorded once on CUDA and replayed without launch costs."""

    def __init__(self, work: Any, frame: "torch.Tensor") -> None:
        import torch

        self._frame = frame
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph):
            self._result = work(frame)

    def fits(self, frame: "torch.Tensor") -> bool:
        return frame.shape == self._frame.shape

    def replay(self, frame: "torch.Tensor") -> "torch.Tensor":
        self._frame.copy_(frame)
        self._graph.replay()
        return self._result


def import_torch() -> Any:
    """The module torch. Raises UsageError that says how to install it if it is missing."""
    try:
        import torch
    except ImportError:
        raise UsageError(
            f"the torch backend needs torch; use --backend onnx, or {INSTALL}"
        ) from None
    return torch
