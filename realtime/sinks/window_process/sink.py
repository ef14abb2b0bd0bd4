"""Shows the picture in a window of a process of its own.

A window takes its process with it when the display server dies or hangs: Qt ends the process, and
a frozen X server blocks it. So the window must not share one with a recording or a page.
"""

import json
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.shared_memory import SharedMemory

import numpy as np

from models.errors import SinkFault, UsageError
from realtime.frames.frame import Frame, FrameFormat
from realtime.sinks import Sink

STARTING = 30.0
"""Seconds that the process may take to open its window."""
POLL = 0.2
"""Seconds between two looks at whether the process still lives."""
CLOSING = 1.0


class WindowProcess(Sink):
    """A window (window.py) in a child process, which gets its pictures through shared memory.

    Keys go to `on_key` by name, from a thread. If the process ends, that is a SinkFault; other
    outputs go on.
    """

    live = True

    def __init__(
        self,
        name: str = "window",
        *,
        on_key: Callable[[str], None],
        title: str = "stylecam",
        fullscreen: bool = False,
        kiosk: bool = False,
    ) -> None:
        self.name = name
        self._on_key = on_key
        self._options = {"name": name, "title": title, "fullscreen": fullscreen, "kiosk": kiosk}
        self._process: subprocess.Popen[str] | None = None
        self._memory: SharedMemory | None = None
        self._listener: threading.Thread | None = None
        self._answered, self._shown = threading.Event(), threading.Event()
        self._opened = False
        self._refusal: str | None = None

    def open(self, frames: FrameFormat) -> None:
        """Open the window. Raises UsageError if there is no display or no GUI in OpenCV, SinkFault
        if the process ends or hangs; it leaves nothing behind then."""
        try:
            self._start(frames)
        except BaseException:
            self.close()
            raise

    def _start(self, frames: FrameFormat) -> None:
        size = (frames.height, frames.width, 3)
        self._memory = SharedMemory(create=True, size=frames.height * frames.width * 3)
        self._picture: np.ndarray = np.ndarray(size, np.uint8, self._memory.buf)
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "realtime.sinks.window_process.child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self._listener = threading.Thread(
            target=self._listen, args=(self._process,), name="window keys", daemon=True
        )
        self._listener.start()
        self._tell(
            json.dumps(
                self._options
                | {"width": frames.width, "height": frames.height, "memory": self._memory.name}
            )
        )
        answered = self._answered.wait(STARTING)
        if self._refusal is not None:
            raise UsageError(self._refusal)
        if not answered:
            raise SinkFault(f"{self.name}: its process did not open it within {STARTING:.0f} s")
        if not self._opened:
            raise SinkFault(f"{self.name}: its process ended; could it not reach the display?")

    def write(self, frame: Frame) -> None:
        """Show `frame`, once the last one was. Raises SinkFault if the process has ended."""
        assert self._process is not None, "write before open"
        while not self._shown.wait(POLL):  # a display that hangs delays only this sink
            self._check(self._process)
        self._check(self._process)
        self._shown.clear()
        np.copyto(self._picture, frame.rgb)
        self._tell("show")

    def close(self) -> None:
        """Close the window; a process that hangs is ended."""
        process, self._process = self._process, None
        if process is not None:
            assert process.stdin is not None
            with suppress(OSError):  # it has ended
                process.stdin.close()
            try:
                process.wait(CLOSING)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        listener, self._listener = self._listener, None
        if listener is not None:
            listener.join(CLOSING)
        memory, self._memory = self._memory, None
        if memory is not None:
            del self._picture
            memory.close()
            memory.unlink()

    def _check(self, process: "subprocess.Popen[str]") -> None:
        if process.poll() is not None:
            raise SinkFault(f"{self.name}: its process ended; is the display gone?")

    def _tell(self, line: str) -> None:
        assert self._process is not None and self._process.stdin is not None
        try:
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()
        except OSError:  # it has just ended: the next write tells
            return

    def _listen(self, process: "subprocess.Popen[str]") -> None:
        assert process.stdout is not None
        with process.stdout as answers:
            for line in answers:
                kind, _, rest = line.strip().partition(" ")
                if kind == "key":
                    self._on_key(rest)
                elif kind == "shown":
                    self._shown.set()
                elif kind == "refused":
                    self._refusal = json.loads(rest)
                elif kind == "open":
                    self._opened = True
                    self._shown.set()
                    self._answered.set()
        self._answered.set()
        self._shown.set()
