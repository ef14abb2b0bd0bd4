"""The source if none was named: the first camera or, if there is none, the demo."""

import copy
from collections.abc import Callable

from realtime.frames.frame import Frame, FrameFormat
from realtime.sources import Source
from realtime.sources.camera import Camera, NoCamera
from realtime.sources.demo import Demo


class DefaultSource:
    """Decides at the first `open`; if the camera vanishes later, that is a fault, not a switch.

    `say` gets one line if there is no camera. Width, height (pixels) and `fps` are requests to
    the camera, and exact for the demo, which is paced like a camera. `label` names what was taken.
    """

    def __init__(
        self,
        *,
        width: int | None,
        height: int | None,
        fps: float | None,
        say: Callable[[str], None],
        camera: Source | None = None,
    ) -> None:
        self._source: Source = camera or Camera(None, width=width, height=height, fps=fps)
        self._demo = Demo(width=width, height=height, fps=fps, paced=True)
        self._decided = False
        self._say = say
        self.label = "camera"

    def open(self) -> FrameFormat:
        try:
            frames = self._source.open()
        except NoCamera:
            if self._decided:
                raise
            self._say("no camera found: showing the built-in demo (--source names another)")
            self._source, self.label = self._demo, "demo"
            frames = self._source.open()
        else:
            self.label = self._source.label or self.label
        self._decided = True
        return frames

    def read(self) -> Frame:
        return self._source.read()

    def renewed(self) -> "DefaultSource | None":
        """See `Source.renewed`; it stays with what was decided."""
        source = self._source.renewed()
        if source is None:
            return None
        fresh = copy.copy(self)
        fresh._source = source
        return fresh

    def close(self) -> None:
        self._source.close()
