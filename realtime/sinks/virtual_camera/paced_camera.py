"""A virtual camera that is fed at a fixed rate, and opened again when it fails or hangs."""

import logging
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from models.pictures import RGB
from realtime.sinks.virtual_camera.camera_sender import CameraSender, OpenCamera
from realtime.sinks.virtual_camera.devices import CameraSpec, open_camera
from realtime.sinks.virtual_camera.fixed_rate import FixedRatePacer
from realtime.sinks.virtual_camera.pipewire_node import PIPEWIRE, PipewireHandle

if TYPE_CHECKING:
    from realtime.frames.size import Size

PATIENCE = 2.0
LONGEST_PATIENCE = 60.0
"""Seconds that a driver may take for one picture; doubled each time it was opened afresh."""

log = logging.getLogger(__name__)


class Usage(Protocol):
    """What tells whether anybody reads a camera."""

    watched: bool

    def stop(self) -> None: ...


class PacedCamera:
    """Sends the newest picture that was `put`, at a fixed rate, from a thread of its own.

    A camera that fails or hangs is opened again in the same size and rate, until it works.
    `open_usage` opens what tells of a device's readers.
    """

    def __init__(
        self,
        *,
        platform: str = sys.platform,
        open_usage: Callable[[str], Usage] | None = None,
    ) -> None:
        self._platform, self._open_usage = platform, open_usage
        self._pacer: FixedRatePacer[RGB] | None = None
        self._sender: CameraSender | None = None
        self._usage: Usage | None = None
        self._patience = PATIENCE
        self.device = ""
        """The camera that was opened, as its backend calls it."""

    def kept_size(self, device: str | None, backend: str | None) -> "Size | None":
        """None: no camera of this process was there before."""
        return None

    def open(
        self, spec: CameraSpec, card: RGB, *, pacer: FixedRatePacer[RGB] | None = None
    ) -> None:
        """Open the camera, and show `card` until a picture comes. Raises UsageError, SinkFault.

        With `pacer`, the pictures come from there: none need be `put`.
        """
        camera = open_camera(spec, may_be_pipewire=True, platform=self._platform)
        self.device = camera.device
        log.info("virtual camera: %s, %dx%d", self.device, spec.width, spec.height)
        if self.device == PIPEWIRE:
            spec = replace(spec, device=PIPEWIRE)
        self._spec, self._patience = spec, PATIENCE
        self._pacer = FixedRatePacer(spec.fps) if pacer is None else pacer
        self._pacer.put(card)
        self._sender = CameraSender(spec.name, self._pacer, self._open_again, camera)
        self._usage = self._watch() if spec.on_demand else None

    @property
    def watched(self) -> bool:
        """Whether anybody may be reading it. Any thread may ask."""
        return self._usage is None or self._usage.watched

    def put(self, rgb: RGB) -> None:
        """Send `rgb` (H, W, 3) from now on."""
        assert self._pacer is not None, "put before open"
        self._pacer.put(rgb)
        self.check()

    def check(self) -> None:
        """Leave a camera that hangs behind, and open it afresh. Each time it gets longer."""
        assert self._sender is not None and self._pacer is not None, "check before open"
        if self._sender.busy_for <= self._patience:
            return
        log.warning(
            "%s: the virtual camera takes no picture for %.0f s; opening it again",
            *(self._spec.name, self._patience),
        )
        self._sender.stop(timeout=0.0)
        self._patience = min(2 * self._patience, LONGEST_PATIENCE)
        self._sender = CameraSender(self._spec.name, self._pacer, self._open_again, None)

    def close(self) -> None:
        """Stop sending and give the camera back. May be called twice."""
        if self._usage is not None:
            self._usage.stop()
            self._usage = None
        if self._sender is not None:
            # its thread closes the camera itself: one that hangs in a driver must not hang us
            self._sender.stop(timeout=1.0)
            self._sender = None

    def _open_again(self) -> OpenCamera:
        return open_camera(self._spec, may_be_pipewire=False, platform=self._platform)

    def _watch(self) -> Usage | None:
        """What tells whether anybody reads it; None where nothing does."""
        if self._open_usage is not None:
            return self._open_usage(self.device)
        if self._platform != "linux" or not self.device.startswith(("/dev/", PIPEWIRE)):
            return None
        from realtime.sinks.virtual_camera import loopback_usage

        if self.device == PIPEWIRE:
            return loopback_usage.CameraUsage(self.device, PipewireHandle)
        return loopback_usage.CameraUsage(self.device)
