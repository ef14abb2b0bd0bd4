"""Reads a source in a thread of its own and hands the frames over.

After a fault it opens the source again, with pauses, until its patience is at an end.
"""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Protocol

from models.errors import SourceFault, StylecamError
from realtime.frame import Frame, FrameFormat
from realtime.sources import EndOfSource, Source

FIRST_PAUSE = 0.25
LONGEST_PAUSE = 2.0
STOP_PATIENCE = 1.0
"""Seconds for a read to end by itself before the source is closed under it."""


class HandOver(Protocol):
    """What frames are handed through: a Mailbox or a Line."""

    dropped: int

    def put(self, item: Frame) -> None: ...
    def take(self, timeout: float | None) -> Frame | None: ...
    def close(self) -> None: ...

    @property
    def closed(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Limits:
    """Where a run ends by itself: after so many frames, or seconds of the source's own time."""

    frames: int | None = None
    seconds: float | None = None

    def passed(self, frame: Frame, read: int) -> bool:
        return (self.frames is not None and read >= self.frames) or (
            self.seconds is not None and frame.timestamp >= self.seconds
        )


class Capture:
    """Owns the source and its thread. `error` is why it ended, None for a proper end.

    `reconnect` is for how many seconds a source that failed is opened again; 0 never.
    `on_message` is told in one line when a source is lost and when it is back.
    """

    def __init__(
        self,
        source: Source,
        hand_over: HandOver,
        *,
        reconnect: float = 0.0,
        limits: Limits | None = None,
        on_message: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.source, self.hand_over = source, hand_over
        self._reconnect = reconnect
        self._limits = limits or Limits()
        self._on_message = on_message
        self._opened: Future[FrameFormat] = Future()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="capture", daemon=True)
        self._read = 0
        self.error: StylecamError | None = None

    def start(self) -> FrameFormat:
        """Open the source and begin. Raises what opening it raised."""
        self._thread.start()
        return self._opened.result()

    def stop(self) -> None:
        """End soon, whatever the source is doing. May be called twice."""
        self._stop.set()
        self.hand_over.close()
        if not self._thread.is_alive():
            return
        self._thread.join(STOP_PATIENCE)
        if self._thread.is_alive():
            self.source.close()
            self._thread.join(STOP_PATIENCE)

    def _run(self) -> None:
        try:
            self._opened.set_result(self.source.open())
            self._read_on()
        except StylecamError as error:
            self._fail(error)
        except Exception as error:
            self._fail(SourceFault(f"the source failed: {type(error).__name__}: {error}"))
        finally:
            self.hand_over.close()
            self.source.close()

    def _fail(self, error: StylecamError) -> None:
        if not self._opened.done():
            self._opened.set_exception(error)
        elif not self._stop.is_set():
            self.error = error

    def _read_on(self) -> None:
        while not self._stop.is_set():
            try:
                frame = self.source.read()
            except EndOfSource:
                return
            except SourceFault as fault:
                self._open_again(fault)
                continue
            if self._limits.passed(frame, self._read):
                return
            self._read += 1
            self.hand_over.put(frame)

    def _open_again(self, fault: SourceFault) -> None:
        """Raises the fault when patience is at an end."""
        if self._reconnect <= 0 or self._stop.is_set():
            raise fault
        self._on_message(f"{fault}; trying again for {self._reconnect:g} s")
        deadline, pause = time.monotonic() + self._reconnect, FIRST_PAUSE
        while time.monotonic() + pause < deadline and not self._stop.wait(pause):
            pause = min(2 * pause, LONGEST_PAUSE)
            self.source.close()
            try:
                self.source.open()
            except StylecamError:
                continue
            self._on_message("the source is back")
            return
        raise fault
