"""The process that shows the window of sink.py: reads commands, writes what happens.

Commands, a line each: a JSON object with the options, then "show" for each picture in the shared
memory, then the end of the input. Answers: "open", "refused" with a reason in JSON, "shown" after
each picture, "key" with a name.
"""

import ctypes
import json
import queue
import signal
import sys
import threading
import time
from multiprocessing import resource_tracker
from multiprocessing.shared_memory import SharedMemory
from typing import TextIO

import numpy as np

from models.errors import StylecamError
from realtime.frames.frame import Frame, FrameFormat
from realtime.sinks.window import WindowSink

PR_SET_PDEATHSIG = 1
PUMP = 0.02
"""Seconds between two looks at the window's keys while no picture comes."""


def main() -> None:
    """Show pictures until the input ends, as it does when the process that gives them dies."""
    for number in (signal.SIGINT, getattr(signal, "SIGHUP", signal.SIGINT)):
        signal.signal(number, signal.SIG_IGN)  # the terminal sends them to both processes
    _die_with_parent()
    say = _Answers(sys.stdout)
    options = json.loads(sys.stdin.readline())
    window = WindowSink(
        options["name"],
        on_key=lambda key: say(f"key {key}"),
        title=options["title"],
        fullscreen=options["fullscreen"],
        kiosk=options["kiosk"],
    )
    width, height = options["width"], options["height"]
    try:
        window.open(FrameFormat(width, height, 0.0, live=True))
    except StylecamError as error:
        say(f"refused {json.dumps(str(error))}")
        return
    say("open")
    memory = _attached(options["memory"])
    picture: np.ndarray = np.ndarray((height, width, 3), np.uint8, memory.buf)
    try:
        _show(window, picture, say)
    finally:
        window.close()
        del picture
        memory.close()


def _die_with_parent() -> None:
    """Where the system can: a display that hangs would keep this process after the other's end."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class _Answers:
    """Writes one line at a time; nobody may listen any more."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def __call__(self, line: str) -> None:
        try:
            self._out.write(line + "\n")
            self._out.flush()
        except OSError:
            return


def _attached(name: str) -> SharedMemory:
    """The other process's memory. That process removes it: Python would do so here, too."""
    if sys.version_info >= (3, 13):
        return SharedMemory(name, track=False)
    memory = SharedMemory(name)
    resource_tracker.unregister(memory._name, "shared_memory")  # type: ignore[attr-defined]
    return memory


def _show(window: WindowSink, picture: np.ndarray, say: _Answers) -> None:
    commands: queue.SimpleQueue[str] = queue.SimpleQueue()

    def read() -> None:
        for line in sys.stdin:
            commands.put(line)
        commands.put("")

    threading.Thread(target=read, name="commands", daemon=True).start()
    while True:
        try:
            command = commands.get(timeout=PUMP)
        except queue.Empty:
            window.pump()
            continue
        if not command:
            return
        window.write(Frame(picture, 0, time.monotonic(), 0.0))
        say("shown")


if __name__ == "__main__":
    main()
