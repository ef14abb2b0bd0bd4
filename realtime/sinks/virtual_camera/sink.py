"""Offers the picture as a camera that video call programs can choose."""

import logging
import time
from typing import Protocol

from models.pictures import RGB
from realtime.frames.frame import Frame, FrameFormat
from realtime.frames.size import Size
from realtime.frames.views import placeholder
from realtime.sinks import Sink
from realtime.sinks.virtual_camera.devices import CameraSpec
from realtime.sinks.virtual_camera.paced_camera import PacedCamera

MINIMUM_FPS = 10.0
"""Below this rate, browsers consider a camera dead and show grey."""
WAKING = 5.0
"""Seconds that a source may take to wake up before its old pictures, or its card, are shown."""


log = logging.getLogger(__name__)


class CameraFeed(Protocol):
    """What feeds a camera: paced_camera.py in this process, camera_process.py from another."""

    @property
    def watched(self) -> bool:
        """Whether anybody may be reading the camera. Any thread may ask."""
        ...

    def kept_size(self, device: str | None, backend: str | None) -> Size | None:
        """The size of a camera that runs and is read already; None if any size will do."""
        ...

    def open(self, spec: CameraSpec, card: RGB) -> None:
        """Open it, and show `card` until a picture comes. Raises UsageError or SinkFault."""
        ...

    def put(self, rgb: RGB) -> None:
        """Show `rgb` from now on."""
        ...

    def close(self) -> None:
        """May be called twice."""
        ...


class VirtualCameraSink(Sink):
    """Sends the newest frame at a fixed rate, and repeats it until a new one.

    The output goes on at its rate whatever happens to the source, so that a call never loses
    its camera. Before the first picture it shows a card that says so. A device that fails or hangs
    is opened again, in the same size and rate, until it works. Odd sizes lose their last row or
    column, because the formats of video calls store colour for 2x2 pixels. A camera that an earlier
    run left, and that is read, keeps its size.

    With `on_demand`, a camera that nobody reads has no viewers, where the system tells. Who comes
    then sees the card until a new picture is there, never an old one.

    `device` and `backend` are as in CameraSpec. `fps` defaults to the source's rate; it is never
    below MINIMUM_FPS. `feed` is what feeds the camera, by default a thread of this process.
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
        feed: CameraFeed | None = None,
    ) -> None:
        self.name = name
        self._device = device
        self._backend = backend
        self._fps = fps
        self._on_demand = on_demand
        self._feed = PacedCamera() if feed is None else feed
        self._card: RGB | None = None
        self._unseen: int | None = None
        self._old_until = 0.0

    def accepted_size(self, offered: Size) -> Size:
        even = Size(offered.width & ~1, offered.height & ~1)
        kept = self._feed.kept_size(self._device, self._backend)
        if kept is not None and kept != even:
            log.warning("%s: somebody reads it already: it keeps its %s", self.name, kept)
        return kept or even

    @property
    def has_viewers(self) -> bool:
        return self._feed.watched

    def open(self, frames: FrameFormat) -> None:
        """Open the camera. Raises SinkFault with the commands that create one if there is none."""
        # A call that is open already shows that, not black, until the first painting.
        self._card = placeholder(frames.height, frames.width, "starting")
        fps = max(MINIMUM_FPS, self._fps or frames.fps)
        size = (frames.width, frames.height)
        self._feed.open(
            CameraSpec(self.name, self._device, self._backend, *size, fps, self._on_demand),
            self._card,
        )

    def write(self, frame: Frame) -> None:
        """Make `frame` the one that is sent from now on."""
        assert self._card is not None, "write before open"
        self._feed.put(self._card if self._is_old(frame) else frame.rgb)

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
        self._feed.close()
