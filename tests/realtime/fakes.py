"""Stand-ins for sources, sinks and generators, with scripted faults. Nothing here sleeps.

A gate is an Event that the test sets when the fake may go on; `DEADLINE` only ends a test that
would hang.
"""

import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from models.card import StyleCard
from models.pictures import RGB
from realtime.control.state import SettingsStore
from realtime.control.web.server import ControlServer
from realtime.frames.frame import Frame, FrameFormat
from realtime.frames.resize import resize
from realtime.frames.size import Size
from realtime.sinks import Sink
from realtime.sinks.web import WebSink
from realtime.sinks.wrapper import SinkWrapper
from realtime.sources import EndOfSource, Source

DEADLINE = 10.0
RED, BLUE = (255, 0, 0), (0, 0, 255)


def wait_until(condition: Callable[[], object]) -> None:
    """Poll until it holds; an AssertionError when it never does."""
    end = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < end, "never came true"
        time.sleep(0.001)


def opened(gate: threading.Event) -> None:
    assert gate.wait(DEADLINE), "the gate stayed shut"


def red_blue(height: int = 60, width: int = 80) -> RGB:
    """Left half pure red, right half pure blue: a mistaken colour order or mirror shows."""
    rgb = np.zeros((height, width, 3), np.uint8)
    rgb[:, : width // 2], rgb[:, width // 2 :] = RED, BLUE
    return rgb


def frame_of(rgb: RGB, index: int = 0) -> Frame:
    return Frame(rgb, index, time.monotonic(), index / 10)


def make_frames(count: int, *, height: int = 60, width: int = 80) -> list[Frame]:
    """Each frame is flat and tells its index: every channel holds index % 256."""
    return [
        frame_of(np.full((height, width, 3), index % 256, np.uint8), index)
        for index in range(count)
    ]


class FakeSource(Source):
    """Reads from a script: frames are given, exceptions raised, callables called in between.

    After the script comes EndOfSource. `open_faults` are raised by the first opens, None for a
    success.
    """

    def __init__(
        self,
        script: Iterable[Frame | Exception | Callable[[], object]],
        *,
        live: bool = False,
        size: tuple[int, int] = (80, 60),
        open_faults: Iterable[Exception | None] = (),
    ) -> None:
        self._script = iter(script)
        self._open_faults = iter(open_faults)
        self.format = FrameFormat(*size, fps=10.0, live=live)
        self.opens = self.closes = self.reads = 0

    def open(self) -> FrameFormat:
        self.opens += 1
        if (fault := next(self._open_faults, None)) is not None:
            raise fault
        return self.format

    def read(self) -> Frame:
        self.reads += 1
        for item in self._script:
            if isinstance(item, Frame):
                return item
            if isinstance(item, Exception):
                raise item
            item()
        raise EndOfSource

    def close(self) -> None:
        self.closes += 1


class FakeSink(Sink):
    """Keeps what it is given. Faults are raised by the method of that name.

    `write_fault` comes at the frame of index `fails_at`. `before_write` is called with each frame
    first, in the sink's thread. It wants to be pumped.
    """

    def __init__(
        self,
        name: str = "fake",
        *,
        live: bool = False,
        main_thread: bool = False,
        open_fault: Exception | None = None,
        write_fault: Exception | None = None,
        fails_at: int = 0,
        close_fault: Exception | None = None,
        before_write: Callable[[Frame], object] = lambda _: None,
    ) -> None:
        self.name, self.live, self.main_thread = name, live, main_thread
        self.pump_interval = 0.05
        self._open_fault, self._write_fault, self._close_fault = (
            open_fault,
            write_fault,
            close_fault,
        )
        self._fails_at, self._before_write = fails_at, before_write
        self.format: FrameFormat | None = None
        self.frames: list[Frame] = []
        self.threads: set[threading.Thread] = set()
        self.pumps = self.closes = 0

    def open(self, frames: FrameFormat) -> None:
        self.threads.add(threading.current_thread())
        if self._open_fault is not None:
            raise self._open_fault
        self.format = frames

    def write(self, frame: Frame) -> None:
        assert not self.closes, "written to after its end"
        self.threads.add(threading.current_thread())
        self._before_write(frame)
        if self._write_fault is not None and frame.index >= self._fails_at:
            raise self._write_fault
        self.frames.append(frame)

    def pump(self) -> None:
        self.threads.add(threading.current_thread())
        self.pumps += 1

    def close(self) -> None:
        self.threads.add(threading.current_thread())
        self.closes += 1
        if self._close_fault is not None and self.closes == 1:
            raise self._close_fault

    @property
    def indices(self) -> list[int]:
        return [frame.index for frame in self.frames]


class ServedSink(SinkWrapper):
    """A web sink with a control server of its own, which lives as long as it is open."""

    def __init__(self, box: SettingsStore, *, host: str = "127.0.0.1", **options) -> None:
        self.server = ControlServer(box, host=host, **options)
        super().__init__(WebSink(server=self.server))

    def open(self, frames: FrameFormat) -> None:
        self.server.start()
        self.wrapped.open(frames)

    def close(self) -> None:
        self.wrapped.close()
        self.server.stop()


class FakeBackend:
    """Paints by a plain function. Events and faults make loading and painting awkward."""

    def __init__(
        self,
        paint: Callable[[RGB], RGB] = lambda rgb: 255 - rgb,
        *,
        needs_frame: bool = False,
        first_is_slow: bool = True,
        threads: int | None = None,
        load_fault: Exception | None = None,
        load_gate: threading.Event | None = None,
        close_gate: threading.Event | None = None,
    ) -> None:
        self._paint, self._load_fault, self._load_gate = paint, load_fault, load_gate
        self._close_gate = close_gate
        self.needs_frame, self.first_is_slow = needs_frame, first_is_slow
        self.threads = threads
        self.loading = threading.Event()
        self.warmed: list[tuple[int, int]] = []
        self.shapes: list[tuple[int, ...]] = []
        self.strengths: list[float] = []
        self.closes = 0

    def load(self, card: StyleCard) -> str:
        self.loading.set()
        if self._load_gate is not None:
            opened(self._load_gate)
        if self._load_fault is not None:
            raise self._load_fault
        return f"fake backend, {card.name}"

    def warm_up(self, height: int, width: int) -> None:
        self.warmed.append((height, width))

    def stylize(self, rgb: RGB, strength: float = 1.0, *, at: Size | None = None) -> RGB:
        assert not self.closes, "used after its end"
        small = resize(rgb, *at) if at else rgb
        self.shapes.append(small.shape)
        self.strengths.append(strength)
        return resize(self._paint(small), rgb.shape[1], rgb.shape[0])

    def close(self) -> None:
        if self._close_gate is not None:
            opened(self._close_gate)
        self.closes += 1


def card_of(name: str) -> StyleCard:
    return StyleCard(
        name=name,
        title=name.title(),
        architecture="fake",
        alpha=1.0,
        stride=1,
        parameters=1,
        path=Path(f"{name}.onnx"),
    )
