"""Reads a source in its own thread and passes the frames on.

After a fault it reopens the source, with pauses between the attempts, until a deadline.
"""

import logging
import math
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future
from contextlib import contextmanager
from dataclasses import dataclass, replace

from models.errors import SourceFault, StylecamError
from realtime.frames.frame import Frame, FrameFormat
from realtime.pipeline.interruptible import result_of
from realtime.pipeline.queues import FrameQueue
from realtime.sources import EndOfSource, Source

log = logging.getLogger(__name__)
FIRST_BACKOFF = 0.25
STEADY = 3.0
"""Seconds of frames after which an outage counts as over."""
LONGEST_BACKOFF = 2.0
STUCK, STUCK_OPENING = 10.0, 30.0
"""Seconds for reading a frame, and for opening a source, which takes some systems long; after that
it seems to hang, and a fresh one is tried."""
STOP_TIMEOUT = 2.0
"""Seconds that `stop` waits for a read to end. A thread whose read takes longer is left behind and
closes the source itself when the read returns: other threads must not close a device."""


IDLE_INTERVAL = 5.0
"""Seconds between two reads while nobody watches: the oldest picture that a new viewer sees."""
CLOSE_AFTER = 10.0
"""Seconds without a viewer after which the source is closed."""
IDLE_POLL = 0.1
"""Seconds between two checks for a viewer."""


@dataclass(frozen=True, slots=True)
class Limits:
    """When a run ends by itself: after N frames, or seconds of the source's own time."""

    frames: int | None = None
    seconds: float | None = None

    def full(self, read: int) -> bool:
        return self.frames is not None and read >= self.frames

    def past(self, frame: Frame) -> bool:
        return self.seconds is not None and frame.timestamp >= self.seconds

    def cut(self, frame: Frame) -> Frame:
        """The frame, shown no longer than until the limit."""
        if self.seconds is None or frame.duration is None:
            return frame
        return replace(frame, duration=min(frame.duration, self.seconds - frame.timestamp))


class Outage:
    """A period without frames: the fault that started it, and when to retry or give up."""

    def __init__(self, fault: StylecamError, patience: float) -> None:
        self.fault = fault
        self._deadline = time.monotonic() + patience
        self._pause = FIRST_BACKOFF
        self._back: float | None = None

    def next_backoff(self) -> float:
        """Seconds to wait before the next attempt. Raises `fault` if that is past the deadline."""
        if time.monotonic() + self._pause >= self._deadline:
            raise self.fault
        pause, self._pause = self._pause, min(2 * self._pause, LONGEST_BACKOFF)
        self._back = None
        return pause

    def frame_came(self) -> bool:
        """Note a frame; return whether it is the first since the source was opened again."""
        first = self._back is None
        self._back = self._back or time.monotonic()
        return first

    @property
    def was_back(self) -> bool:
        return self._back is not None

    @property
    def over(self) -> bool:
        """Whether frames have come for long enough."""
        return self._back is not None and time.monotonic() - self._back >= STEADY


class Capture:
    """Owns the source and its thread. `error` says why it ended; None for a normal end.
    `frames` counts what was read.

    After a fault, reopening is tried for up to `reconnect` seconds (0: never). Only STEADY seconds
    of frames end an outage, so a source that opens but soon fails is not retried for ever.
    `on_message` gets one line when the source is lost, and one when it is back. While `idle`
    returns True, a frame is read only every IDLE_INTERVAL seconds; after CLOSE_AFTER seconds, the
    source is closed, so that a camera's light goes out, and opened when somebody watches again.
    """

    def __init__(
        self,
        source: Source,
        *,
        reconnect: float = 0.0,
        limits: Limits | None = None,
        on_message: Callable[[str], None] = lambda _: None,
        idle: Callable[[], bool] = lambda: False,
    ) -> None:
        self.source = source
        self._idle = idle
        self._reconnect = reconnect
        self.limits = limits or Limits()
        self._on_message = on_message
        self._opened: Future[FrameFormat] = Future()
        self._queue: Future[FrameQueue] = Future()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="capture", daemon=True)
        self._outage: Outage | None = None
        self._stuck_at: float | None = None
        self._idle_since: float | None = None
        self.error: StylecamError | None = None
        self.frames = 0

    def open(self, interrupted: Callable[[], bool] = lambda: False) -> FrameFormat:
        """Open the source, without reading yet. Raises what opening the source raises.

        Once `interrupted` returns True, it waits no longer and raises KeyboardInterrupt.
        """
        self._thread.start()
        try:
            return result_of(self._opened, interrupted)
        except BaseException:
            self.stop()
            raise

    def start_reading(self, queue: FrameQueue) -> None:
        """Start reading. `queue` is closed after the last frame."""
        self._queue.set_result(queue)

    def stop(self) -> None:
        """Stop soon, whatever the source is doing. May be called twice, and before `open`."""
        self._stop.set()
        self._close_queue()
        if self._thread.ident is not None:
            self._thread.join(STOP_TIMEOUT)

    def _close_queue(self) -> None:
        if not self._queue.cancel():
            self._queue.result().close()

    def replace_if_stuck(self) -> None:
        """If a call into the source has not returned for long, go on with a fresh source.

        To be called now and then while no frame comes. The thread that hangs is left behind: it
        closes its source when the call returns. Without reconnecting nothing is replaced.
        """
        stuck_at = self._stuck_at
        if stuck_at is None or time.monotonic() < stuck_at or self._reconnect <= 0:
            return
        fresh = self.source.renewed()
        if fresh is None:
            return
        fault = SourceFault("the source does not answer")
        self._outage = self._outage or Outage(fault, self._reconnect)
        self._on_message(f"{fault}; opening it afresh")
        self.source, self._stuck_at = fresh, None
        self._thread = threading.Thread(
            target=self._run, args=(fresh,), kwargs={"again": True}, name="capture", daemon=True
        )
        self._thread.start()

    def _run(self, source: Source | None = None, *, again: bool = False) -> None:
        source = source or self.source
        try:
            if again:
                self._open_again(source)
            else:
                self._opened.set_result(source.open())
            self._read_into(source, self._queue.result())
        except CancelledError:
            log.debug("stopped before the first frame was asked for")
        except StylecamError as error:
            self._fail(source, error)
        except Exception as error:
            self._fail(source, _as_fault(error))
        finally:
            if self.source is source:
                self._close_queue()
            self._close_source(source)

    def _close_source(self, source: Source) -> None:
        try:
            source.close()
        except Exception as error:
            self._fail(source, SourceFault(f"the source could not be closed: {error}"))

    def _fail(self, source: Source, error: StylecamError) -> None:
        if self.source is not source:
            log.debug("the source that was replaced: %s", error)
        elif not self._opened.done():
            self._opened.set_exception(error)
        elif not self._stop.is_set():
            self.error = self.error or error

    def _read_into(self, source: Source, queue: FrameQueue) -> None:
        while not self._ended(source) and not self.limits.full(self.frames):
            try:
                with self._busy(source, STUCK):
                    frame = source.read()
            except EndOfSource:
                return
            except Exception as error:
                if not self._ended(source):
                    self._outage = self._lost(_as_fault(error), self._outage)
                    self._open_again(source)
                continue
            if self._ended(source):
                return
            if self._outage is not None and self._outage.frame_came():
                self._on_message("the source is available again")
            if self._outage is not None and self._outage.over:
                self._outage = None
            if self.limits.past(frame):
                return
            self.frames += 1
            queue.put(self.limits.cut(frame))
            self._rest(source)

    def _ended(self, source: Source) -> bool:
        """Whether that source is no longer wanted."""
        return self._stop.is_set() or self.source is not source

    @contextmanager
    def _busy(self, source: Source, longest: float) -> Iterator[None]:
        """Note when a call into the source that begins now will count as stuck."""
        self._stuck_at = time.monotonic() + longest
        try:
            yield
        finally:
            if self.source is source:
                self._stuck_at = None

    def _rest(self, source: Source) -> None:
        """Wait between two frames while nobody watches; in the end with the source closed."""
        if not self._idle():
            self._idle_since = None
            return
        now = time.monotonic()
        self._idle_since = self._idle_since or now
        closes = self._idle_since + CLOSE_AFTER
        self._wait_while_idle(min(now + IDLE_INTERVAL, closes))
        if not self._idle() or time.monotonic() < closes or self._ended(source):
            return
        source.close()
        self._wait_while_idle(math.inf)
        self._idle_since = None
        if self._ended(source):
            return
        try:
            with self._busy(source, STUCK_OPENING):
                source.open()
        except Exception as error:
            self._outage = self._lost(_as_fault(error), self._outage)
            self._open_again(source)

    def _wait_while_idle(self, end: float) -> None:
        while self._idle() and time.monotonic() < end and not self._stop.wait(IDLE_POLL):
            pass

    def _lost(self, fault: StylecamError, outage: Outage | None) -> Outage:
        if outage is not None and not outage.was_back:
            return outage
        if self._reconnect <= 0:
            raise fault
        self._on_message(f"{fault}; retrying for {self._reconnect:g} s")
        return outage or Outage(fault, self._reconnect)

    def _open_again(self, source: Source) -> None:
        """Reopen the source; return once it is open, or once it is no longer wanted."""
        outage = self._outage
        assert outage is not None
        while not self._stop.wait(outage.next_backoff()) and self.source is source:
            try:
                with self._busy(source, STUCK_OPENING):
                    source.close()
                    source.open()
            except Exception as reason:  # drivers raise what they like
                log.debug("not back yet: %s", reason)
            else:
                return


def _as_fault(error: Exception) -> StylecamError:
    """What a source raised, as one line. Whatever a device does, opening it again may help."""
    if isinstance(error, StylecamError):
        return error
    reason = next(iter(str(error).splitlines()), "")
    return SourceFault(f"the source failed: {type(error).__name__}: {reason}")
