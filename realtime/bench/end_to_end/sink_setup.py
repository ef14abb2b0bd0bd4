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
from realtime.config.schema import WebConfig
from realtime.control.state import Settings, SettingsStore
from realtime.control.web.server import ControlServer
from realtime.frames.frame import FrameFormat
from realtime.sinks import Sink
from realtime.sinks.null import Null
from realtime.sinks.recording.recorder import Recorder
from realtime.sinks.web import WebSink
from realtime.sinks.window import WindowSink, display_available
from realtime.sinks.wrapper import SinkWrapper

DEFAULT_SINKS = ("null", "file")
VIEWER_TIMEOUT = 20.0
"""Seconds for the viewer's Python to start and to open the page."""


class ViewedWebSink(SinkWrapper):
    """A `Sink`: a web page, and a separate program that receives its pictures as a browser does.

    Without a viewer, the web sink would encode no pictures at all.
    """

    def __init__(self) -> None:
        store = SettingsStore(Settings(styles=("trial",), style="trial"))
        self._server = ControlServer(store, host=WebConfig().host)
        super().__init__(WebSink(server=self._server))
        self._viewer: subprocess.Popen[bytes] | None = None

    def open(self, frames: FrameFormat) -> None:
        self._server.start()
        self.wrapped.open(frames)
        command = [
            sys.executable,
            "-m",
            "realtime.bench.end_to_end.page_viewer",
            f"{self.wrapped.url}ws",
        ]
        self._viewer = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + VIEWER_TIMEOUT
        while not self.wrapped.has_viewers:
            if self._viewer.poll() is not None or time.monotonic() > deadline:
                raise SinkFault(
                    f"{self.name}: the bench's viewer could not open {self.wrapped.url}"
                )
            time.sleep(0.02)

    def close(self) -> None:
        self.wrapped.close()
        self._server.stop()
        if self._viewer is not None:
            self._viewer.kill()
            self._viewer.wait()


class LiveFormatSink(SinkWrapper):
    """Wraps a `Sink` and opens it as in a live run, although no frame may be dropped.

    A recorder encodes live frames differently.
    """

    def open(self, frames: FrameFormat) -> None:
        self.wrapped.open(replace(frames, live=True))


SINKS: dict[str, Callable[[Path], Sink]] = {
    "null": lambda folder: Null(),
    "file": lambda folder: Recorder(folder / "trial.mp4"),
    "window": lambda folder: WindowSink(on_key=lambda key: None),
    "web": lambda folder: ViewedWebSink(),
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
