"""Offers the picture as a camera that video call programs can choose. Uses pyvirtualcam."""

import logging
import sys
import threading
from typing import TYPE_CHECKING

from models.errors import SinkFault, lookup
from models.pictures import RGB
from realtime.frames.frame import Frame, FrameFormat
from realtime.frames.size import Size
from realtime.sinks import Sink
from realtime.sinks.fixed_rate import FixedRatePacer

if TYPE_CHECKING:
    import pyvirtualcam

MINIMUM_FPS = 10.0
"""Below this rate, browsers consider a camera dead and show grey."""

REMEDIES = {
    "linux": (
        "load the kernel module v4l2loopback, then start again:\n"
        "  sudo apt install v4l2loopback-dkms && sudo modprobe v4l2loopback"
        " devices=1 exclusive_caps=1 card_label=stylecam"
    ),
    "darwin": (
        "install OBS, and let it set up its camera once:\n"
        "  brew install --cask obs\n"
        "  open -a OBS    # press Start Virtual Camera, allow the extension, then quit OBS"
    ),
    "win32": (
        "install OBS, which brings the camera, and keep OBS's own virtual camera off:\n"
        "  winget install OBSProject.OBSStudio"
    ),
}
PERMISSION_REMEDY = (
    "join the group `video`, then log in again:\n  sudo usermod --append --groups video $USER"
)

log = logging.getLogger(__name__)


class VirtualCameraSink(Sink):
    """Sends the newest frame at a fixed rate from its own thread, and repeats it until a new one.

    The output goes on at its rate whatever happens to the source, so that a call never loses
    its camera. Odd sizes lose their last row or column, because the formats of video calls store
    colour for 2x2 pixels.

    `device` is a camera to use ("/dev/video4", "OBS Virtual Camera"), `backend` one of
    pyvirtualcam's; by default the first that works. `fps` defaults to the source's rate; it
    is never below MINIMUM_FPS.
    """

    live = True

    def __init__(
        self,
        name: str = "virtual-camera",
        *,
        device: str | None = None,
        backend: str | None = None,
        fps: float | None = None,
        platform: str = sys.platform,
    ) -> None:
        self.name = name
        self._device = device
        self._backend = backend
        self._fps = fps
        self._platform = platform
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._pacer: FixedRatePacer[RGB] | None = None
        self._fault: Exception | None = None
        self._width = self._height = 0

    def accepted_size(self, offered: Size) -> Size:
        return Size(offered.width & ~1, offered.height & ~1)

    def open(self, frames: FrameFormat) -> None:
        """Open the camera. Raises SinkFault with the commands that create one if there is none."""
        self._width, self._height = frames.width, frames.height
        fps = max(MINIMUM_FPS, self._fps or frames.fps)
        camera = self._take_camera(fps)
        log.info("virtual camera: %s, %dx%d", camera.device, self._width, self._height)
        self._stop.clear()
        self._fault = None
        self._pacer = FixedRatePacer(fps)
        self._thread = threading.Thread(
            target=self._send, args=(camera, self._pacer), name=self.name, daemon=True
        )
        self._thread.start()

    def write(self, frame: Frame) -> None:
        """Make `frame` the one that is sent from now on. Raises SinkFault if the camera failed."""
        if self._fault is not None:
            raise SinkFault(f"{self.name}: the virtual camera failed: {self._fault}")
        assert self._pacer is not None, "write before open"
        self._pacer.put(frame.rgb)

    def close(self) -> None:
        """Stop sending and give the camera back."""
        self._stop.set()
        if self._thread is not None:
            # the thread closes the camera itself: one that hangs in a driver must not hang us
            self._thread.join(timeout=1.0)
            self._thread = None

    def _take_camera(self, fps: float) -> "pyvirtualcam.Camera":
        try:
            import pyvirtualcam
        except (ImportError, OSError) as error:
            raise SinkFault(
                f"{self.name}: pyvirtualcam cannot be loaded ({error}); "
                "reinstall it: pip install --force-reinstall pyvirtualcam"
            ) from None
        if self._backend is not None:
            lookup("virtual camera backend", self._backend, pyvirtualcam.camera.BACKENDS)
        try:
            return pyvirtualcam.Camera(
                width=self._width,
                height=self._height,
                fps=fps,
                fmt=pyvirtualcam.PixelFormat.RGB,
                device=self._device,
                backend=self._backend,
            )
        except Exception as error:  # backends raise what they like
            raise SinkFault(self._no_camera(str(error))) from None

    def _no_camera(self, reason: str) -> str:
        """One line with every backend's reason, then the commands that help."""
        reason = "; ".join(reason.splitlines()) or "no backend for this system"
        if "permission" in reason.lower():
            remedy = PERMISSION_REMEDY
        else:
            remedy = REMEDIES.get(self._platform, "no virtual camera is known for this system")
        where = f" at {self._device}" if self._device else ""
        return f"{self.name}: no virtual camera{where} ({reason.rstrip('.')}); {remedy}"

    def _send(self, camera: "pyvirtualcam.Camera", pacer: FixedRatePacer[RGB]) -> None:
        with camera:
            while not self._stop.wait(pacer.delay()):
                rgb = pacer.tick()
                if rgb is None:
                    continue
                try:
                    camera.send(rgb)
                except Exception as error:  # backends raise what they like
                    self._fault = error
                    return
