"""Offers the picture as a camera that video call programs can choose. Uses pyvirtualcam."""

import logging
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from models.errors import SinkFault, lookup
from models.pictures import RGB
from realtime.frames.frame import Frame, FrameFormat
from realtime.frames.size import Size
from realtime.frames.views import placeholder
from realtime.sinks import Sink
from realtime.sinks.camera_sender import CameraSender
from realtime.sinks.fixed_rate import FixedRatePacer

if TYPE_CHECKING:
    import pyvirtualcam

    from realtime.sinks.loopback_usage import LoopbackUsage

MINIMUM_FPS = 10.0
"""Below this rate, browsers consider a camera dead and show grey."""

WAKING = 5.0
"""Seconds that a source may take to wake up before its old pictures, or its card, are shown."""
PATIENCE = 2.0
LONGEST_PATIENCE = 60.0
"""Seconds that a driver may take for one picture; doubled each time it was opened afresh."""

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
    its camera. Before the first picture it shows a card that says so. A device that fails or hangs
    is opened again, in the same size and rate, until it works. Odd sizes lose their last row or
    column, because the formats of video calls store colour for 2x2 pixels.

    With `on_demand`, a v4l2loopback device that nobody reads has no viewers. Who comes then sees
    the card until a new picture is there, never an old one. `open_usage` opens what tells.

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
        on_demand: bool = True,
        platform: str = sys.platform,
        open_usage: "Callable[[str], LoopbackUsage] | None" = None,
    ) -> None:
        self.name = name
        self._device = device
        self._backend = backend
        self._fps = fps
        self._platform = platform
        self._sender: CameraSender | None = None
        self._pacer: FixedRatePacer[RGB] | None = None
        self._on_demand, self._open_usage = on_demand, open_usage
        self._usage: LoopbackUsage | None = None
        self._unseen: int | None = None
        self._old_until = 0.0
        self._patience = PATIENCE
        self._size, self._rate = Size(0, 0), MINIMUM_FPS

    def accepted_size(self, offered: Size) -> Size:
        return Size(offered.width & ~1, offered.height & ~1)

    @property
    def has_viewers(self) -> bool:
        return self._usage is None or self._usage.watched

    def open(self, frames: FrameFormat) -> None:
        """Open the camera. Raises SinkFault with the commands that create one if there is none."""
        self._size = Size(frames.width, frames.height)
        self._rate = max(MINIMUM_FPS, self._fps or frames.fps)
        camera = self._take_camera()
        log.info("virtual camera: %s, %dx%d", camera.device, *self._size)
        self._pacer = FixedRatePacer(self._rate)
        # A call that is open already shows that, not black, until the first painting.
        self._card = placeholder(frames.height, frames.width, "starting")
        self._pacer.put(self._card)
        self._patience = PATIENCE
        self._sender = CameraSender(self.name, self._pacer, self._take_camera, camera)
        self._usage = self._watch(camera.device) if self._on_demand else None

    def _watch(self, device: str) -> "LoopbackUsage | None":
        """What tells whether anybody reads it; None where nothing does."""
        if self._open_usage is not None:
            return self._open_usage(device)
        if self._platform != "linux" or not device.startswith("/dev/"):
            return None
        from realtime.sinks.loopback_usage import LoopbackUsage

        return LoopbackUsage(device)

    def write(self, frame: Frame) -> None:
        """Make `frame` the one that is sent from now on."""
        assert self._pacer is not None and self._sender is not None, "write before open"
        self._pacer.put(self._card if self._is_old(frame) else frame.rgb)
        if self._sender.busy_for > self._patience:
            self._replace_sender(self._pacer, self._sender)

    def _is_old(self, frame: Frame) -> bool:
        """Whether it was taken while nobody watched; a source that is lost may give no other."""
        if not self.has_viewers:
            self._unseen, self._old_until = frame.index, time.monotonic() + WAKING
            return True
        if self._unseen is None or frame.index > self._unseen:
            self._unseen = None
            return False
        return time.monotonic() < self._old_until

    def close(self) -> None:
        """Stop sending and give the camera back."""
        if self._usage is not None:
            self._usage.stop()
            self._usage = None
        if self._sender is not None:
            # its thread closes the camera itself: one that hangs in a driver must not hang us
            self._sender.stop(timeout=1.0)
            self._sender = None

    def _replace_sender(self, pacer: FixedRatePacer[RGB], stuck: CameraSender) -> None:
        """Leave a camera that hangs behind, and open it afresh. Each time it gets longer."""
        log.warning(
            "%s: the virtual camera takes no picture for %.0f s; opening it again",
            *(self.name, self._patience),
        )
        stuck.stop(timeout=0.0)
        self._patience = min(2 * self._patience, LONGEST_PATIENCE)
        self._sender = CameraSender(self.name, pacer, self._take_camera, None)

    def _take_camera(self) -> "pyvirtualcam.Camera":
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
                width=self._size.width,
                height=self._size.height,
                fps=self._rate,
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
