"""What a live run shows while its source gives no frames."""

import time
from collections.abc import Callable
from dataclasses import replace

from realtime.control.state import Settings
from realtime.frames.frame import Frame
from realtime.frames.lost import LostMode
from realtime.frames.size import Size
from realtime.frames.views import placeholder
from realtime.pipeline.painting import Painter
from realtime.sources.demo import Demo

LOST_TEXT = "camera lost - trying again"
DEMO_FPS = 15.0


class LostPicture:
    """Makes the pictures of a time without frames. One thread uses it.

    `painter` painted the frames before; `source` is the size of those frames, `size` that of the
    finished pictures. Their times go on from the newest frame, so a recording shows the outage at
    its true length. `shows_card` says whether the last picture was a card, which is not mirrored.
    """

    def __init__(
        self,
        mode: LostMode,
        painter: Painter,
        *,
        source: Size,
        size: Size,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._mode, self._painter, self._clock = mode, painter, clock
        self._newest: Frame | None = None
        self._source = source
        # Made beforehand: OpenCV takes long to load its typeface for the first text.
        self._card = placeholder(size.height, size.width, LOST_TEXT)
        self._card.setflags(write=False)
        self._demo: Demo | None = None
        self.shows_card = False

    @property
    def interval(self) -> float | None:
        """Seconds between two pictures that move; None if they stand still."""
        return None if self._demo is None else 1 / DEMO_FPS

    def saw_frame(self, frame: Frame) -> None:
        """Note the newest frame of the source; it ends the time without."""
        self._newest = frame
        self._demo, self.shows_card = None, False

    def picture(self, settings: Settings) -> Frame | None:
        """The picture to show now, as if captured now; None if there is none of its own.

        None means that the last picture stays: in the mode "hold", and while the user paused,
        froze or blanked it.
        """
        if self._mode == "hold" or settings.paused or settings.blank or settings.frozen:
            return None
        now = self._clock()
        if self._mode == "demo":
            return self._painter.paint(self._at(self._demo_frame(), now), settings)
        self.shows_card = True
        return self._at(Frame(self._card, 0, now, 0.0), now)

    def _demo_frame(self) -> Frame:
        if self._demo is None:
            width, height = self._source
            self._demo = Demo(width=width, height=height, fps=DEMO_FPS, paced=False)
            self._demo.open()
        return self._demo.read()

    @property
    def recordable(self) -> bool:
        """Whether recordings can take it: before the first frame, their time line is unknown."""
        return self._newest is not None

    def _at(self, frame: Frame, now: float) -> Frame:
        if self._newest is None:
            return replace(frame, captured=now, timestamp=0.0, duration=None)
        timestamp = self._newest.timestamp + now - self._newest.captured
        return replace(
            frame, index=self._newest.index, captured=now, timestamp=timestamp, duration=None
        )
