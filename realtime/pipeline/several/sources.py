"""Several sources as one: each is read in a thread of its own, and the newest of all are shown.

One that is lost costs the others nothing: its place shows a card until it is back.
"""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count

from models.errors import SourceFault
from models.pictures import RGB
from realtime.frames.frame import Frame, FrameFormat
from realtime.frames.layout import cells_of, composed, whole_size
from realtime.frames.size import FitMode, Layout, Size
from realtime.frames.views import placeholder
from realtime.pipeline.capture import Capture
from realtime.pipeline.queues import Mailbox
from realtime.pipeline.watch.source_watch import SourceWatch
from realtime.sources import EndOfSource, Source

POLL = 0.1
"""Seconds between two looks at sources that give nothing."""
LOST, WAITING = "camera lost", "no picture yet"


@dataclass(frozen=True, slots=True)
class NamedSource:
    """A source, what the user calls it, and for how many s it is opened again after a fault."""

    name: str
    source: Source
    reconnect: float


class _Reader:
    """One of the sources: its thread, its last picture, and whether it is lost."""

    def __init__(
        self, named: NamedSource, changed: threading.Condition, say: Callable[[str], None]
    ) -> None:
        self.name = named.name
        self._say = lambda text: say(f"{named.name}: {text}")
        self.capture = Capture(named.source, reconnect=named.reconnect, on_message=self._say)
        self.queue: Mailbox[Frame] = Mailbox(changed)
        self.newest: Frame | None = None
        self.over = False
        self.fps = 0.0
        self._watch: SourceWatch | None = None

    def start(self, fps: float) -> None:
        self.fps = fps
        self._watch = SourceWatch(fps, on_message=self._say)
        self.capture.start_reading(self.queue)

    def look(self) -> bool:
        """Take what has come; whether anything changed."""
        assert self._watch is not None
        frame = self.queue.take(0)
        if frame is not None:
            self.newest = frame
            self._watch.saw_frame()
            return True
        if self.queue.closed:
            ended, self.over = not self.over, True
            if ended and self.capture.error is not None:
                self._say(f"{self.capture.error}; the other sources go on")
            return ended
        was_lost = self.lost
        self._watch.saw_nothing(resting=False)
        self.capture.replace_if_stuck()
        return self.lost != was_lost

    @property
    def lost(self) -> bool:
        failed = self.over and self.capture.error is not None
        return failed or (self._watch is not None and self._watch.lost_for is not None)

    def picture(self, width: int, height: int) -> RGB:
        if self.lost or self.newest is None:
            return placeholder(height, width, LOST if self.lost else WAITING)
        return self.newest.rgb


class SeveralSources(Source):
    """Shows the newest pictures of several sources in one, at the rate of the fastest.

    `size` is that of the whole picture (None: as large as nothing is shrunk); `fit` says how
    pictures of another shape get into their places. While one is lost, its place shows a card; it
    ends once none is left. `on_message` gets lines about each, from any thread.
    """

    def __init__(
        self,
        sources: Sequence[NamedSource],
        *,
        layout: Layout,
        size: Size | None = None,
        fit: FitMode = "letterbox",
        on_message: Callable[[str], None] = lambda _: None,
    ) -> None:
        assert sources
        self._changed = threading.Condition()
        self._readers = [_Reader(named, self._changed, on_message) for named in sources]
        self._layout, self._wanted, self._fit = layout, size, fit
        self._indices = count()
        self._closed = threading.Event()
        self.label = " and ".join(named.name for named in sources)

    def open(self) -> FrameFormat:
        formats = [reader.capture.open(self._closed.is_set) for reader in self._readers]
        own = Size(formats[0].width, formats[0].height)
        self._size = self._wanted or whole_size(own, len(formats), self._layout)
        self._cells = cells_of(self._size, len(formats), self._layout)
        self._began = time.monotonic()
        for reader, frames in zip(self._readers, formats, strict=True):
            reader.start(frames.fps)
        fastest = max(frames.fps for frames in formats)
        return FrameFormat(*self._size, fps=fastest, live=True)

    def read(self) -> Frame:
        self._wait_for_news()
        pictures = [
            reader.picture(cell.width, cell.height)
            for reader, cell in zip(self._readers, self._cells, strict=True)
        ]
        rgb = composed(self._size, self._cells, pictures, self._fit)
        rgb.setflags(write=False)
        times = [reader.newest.captured for reader in self._readers if reader.newest is not None]
        captured = max(times, default=time.monotonic())
        return Frame(rgb, next(self._indices), captured, time.monotonic() - self._began)

    def close(self) -> None:
        self._closed.set()
        with self._changed:
            self._changed.notify_all()
        for reader in self._readers:
            reader.capture.stop()

    @property
    def _shows(self) -> bool:
        """Whether there is more to be seen than cards."""
        return not all(reader.lost for reader in self._readers)

    def _wait_for_news(self) -> None:
        """Return once the fastest of those that go on has something new: with its rate, the others
        change as well. Raises EndOfSource or SourceFault."""
        while not self._closed.is_set():
            news = [reader for reader in self._readers if reader.look()]
            if all(reader.over for reader in self._readers):
                break
            going = [reader for reader in self._readers if not (reader.lost or reader.over)]
            if news and (max(going, key=lambda r: r.fps) in news if going else self._shows):
                return
            with self._changed:
                self._changed.wait(POLL)
        errors = [reader.capture.error for reader in self._readers]
        if not self._closed.is_set() and all(errors):
            raise SourceFault("; ".join(map(str, errors)))
        raise EndOfSource
