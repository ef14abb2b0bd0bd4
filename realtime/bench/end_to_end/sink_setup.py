"""The sinks that a trial can write to, with a viewer where a sink needs one."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from models.errors import SinkFault, UsageError, lookup
from realtime.control.state import Settings, SettingsStore
from realtime.frames.frame import Frame, FrameFormat
from realtime.sinks import Sink
from realtime.sinks.null import Null
from realtime.sinks.recording.recorder import Recorder
from realtime.sinks.web import WebSink
from realtime.sinks.window import WindowSink, display_available

DEFAULT_SINKS = ("null", "file")
VIEWER_TIMEOUT = 20.0
"""Seconds for the viewer's Python to start and to open the page."""


class ViewedWebSink:
    """A `Sink`: a web page, and a separate program that receives its pictures as a browser does.

    Without a viewer, the web sink would encode no pictures at all.
    """

    def __init__(self, sink: WebSink) -> None:
        self._sink = sink
        self.name, self.live, self.main_thread = sink.name, sink.live, sink.main_thread
        self._viewer: subprocess.Popen[bytes] | None = None

    def open(self, frames: FrameFormat) -> None:
        self._sink.open(frames)
        command = [
            sys.executable,
            "-m",
            "realtime.bench.end_to_end.page_viewer",
            f"{self._sink.url}ws",
        ]
        self._viewer = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + VIEWER_TIMEOUT
        while not self._sink.has_viewers:
            if self._viewer.poll() is not None or time.monotonic() > deadline:
                raise SinkFault(f"{self.name}: the bench's viewer could not open {self._sink.url}")
            time.sleep(0.02)

    def write(self, frame: Frame) -> None:
        self._sink.write(frame)

    def close(self) -> None:
        self._sink.close()
        if self._viewer is not None:
            self._viewer.kill()
            self._viewer.wait()


class LiveFormatSink:
    """Wraps a `Sink` and opens it as in a live run, although no frame may be dropped.

    A recorder encodes live frames differently.
    """

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self.name, self.live, self.main_thread = sink.name, sink.live, sink.main_thread

    def open(self, frames: FrameFormat) -> None:
        self._sink.open(replace(frames, live=True))

    def write(self, frame: Frame) -> None:
        self._sink.write(frame)

    def close(self) -> None:
        self._sink.close()


def _web(folder: Path) -> Sink:
    return ViewedWebSink(WebSink(box=SettingsStore(Settings(styles=("trial",), style="trial"))))


SINKS: dict[str, Callable[[Path], Sink]] = {
    "null": lambda folder: Null(),
    "file": lambda folder: Recorder(folder / "trial.mp4"),
    "window": lambda folder: WindowSink(on_key=lambda key: None),
    "web": _web,
}


def parse_sinks(text: str) -> list[str]:
    """Split "null,file" into keys of SINKS.

    Raises UsageError for an unknown sink, or for a window without a display.
    """
    names = [word.strip() for word in text.split(",")]
    for name in names:
        lookup("sink", name, SINKS)
    if "window" in names and not display_available():
        raise UsageError("sink window: there is no display here; leave it out, or use xvfb-run")
    return names


@contextmanager
def sink_of(name: str) -> Iterator[Sink]:
    """The sink called `name`; the files that it writes are deleted afterwards."""
    with TemporaryDirectory(prefix="stylecam-bench-") as folder:
        yield lookup("sink", name, SINKS)(Path(folder))
