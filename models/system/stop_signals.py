"""Handles Ctrl-C, termination and a closed terminal during work that must be finished."""

import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

ENDING = (signal.SIGINT, signal.SIGTERM)
SAME = 0.5
"""Within this many seconds, a second signal counts as the same one: some programs that start
others send a signal both to the process and to its whole group."""


@contextmanager
def stopping(
    stop: Callable[[], None], *, clock: Callable[[], float] = time.monotonic
) -> Iterator[None]:
    """Inside, SIGINT, SIGTERM and SIGHUP call `stop`, which must be safe in a signal handler.

    A second signal, at least SAME seconds later, acts as it did before: it ends the process at
    once. SIGHUP never does: a terminal that closes sends several, and none if it is ignored
    (nohup). Outside the main thread, signals stay as they are.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    first: list[float] = []

    def handle(number: int, frame: FrameType | None) -> None:
        if number not in ENDING:
            stop()
            return
        first.append(clock())
        if first[-1] - first[0] < SAME:
            stop()
            return
        signal.signal(number, previous[number])
        signal.raise_signal(number)

    numbers = list(ENDING)
    if sys.platform != "win32" and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        numbers.append(signal.SIGHUP)
    previous: dict[int, Any] = {number: signal.signal(number, handle) for number in numbers}
    try:
        yield
    finally:
        for number in numbers:
            signal.signal(number, previous[number])
