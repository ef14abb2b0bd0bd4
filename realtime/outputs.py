"""Drives sinks: each in a thread of its own, or step by step in the main thread."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future

from models.errors import SinkFault, StylecamError
from realtime.capture import HandOver
from realtime.frame import Frame, FrameFormat
from realtime.line import Line
from realtime.mailbox import Mailbox
from realtime.metrics import Metrics
from realtime.sinks import Sink

POLL = 0.05
LINE_SIZE = 8
FINISH_PATIENCE = 60.0
"""Seconds for a recording to be finalised; a large MP4 is rewritten with its index in front."""


class Output:
    """One sink and what feeds it. `error` is why it ended early, None otherwise.

    `lossless` makes a sink that is not live hold up the painting rather than miss a frame.
    `local` sinks are looked at by the person at the machine: only they get overlays.
    """

    def __init__(self, sink: Sink, metrics: Metrics, *, lossless: bool, local: bool) -> None:
        self.sink, self.local = sink, local
        self._metrics = metrics
        self.hand_over: HandOver = (
            Mailbox[Frame]() if sink.live else Line[Frame](LINE_SIZE, drop_oldest=not lossless)
        )
        self._opened: Future[None] = Future()
        self._thread: threading.Thread | None = None
        self._done = False
        self.error: StylecamError | None = None

    def start(self, frames: FrameFormat) -> None:
        """Open the sink, in its own thread unless it needs the main one. Raises what it raised."""
        if self.sink.main_thread:
            self._open(frames)
        else:
            self._thread = threading.Thread(
                target=self._run, args=(frames,), name=self.sink.name, daemon=True
            )
            self._thread.start()
        self._opened.result()

    @property
    def alive(self) -> bool:
        return not self._done

    def step(self, timeout: float = POLL) -> None:
        """Write the next frame if one comes in time; close when there will be none."""
        frame = self.hand_over.take(timeout)
        try:
            if frame is not None:
                self.sink.write(frame)
                self._metrics.add("latency", time.monotonic() - frame.captured)
            elif self.hand_over.closed:
                self._close()
            elif (pump := getattr(self.sink, "pump", None)) is not None:
                pump()
        except StylecamError as error:
            self._fail(error)
        except Exception as error:
            self._fail(SinkFault(f"{self.sink.name}: {type(error).__name__}: {error}"))

    def finish(self) -> None:
        """Write what is waiting, then close. Gives up after FINISH_PATIENCE."""
        self.hand_over.close()
        if self._thread is not None:
            self._thread.join(FINISH_PATIENCE)
            return
        while self.alive:
            self.step()

    def _open(self, frames: FrameFormat) -> None:
        try:
            self.sink.open(frames)
            self._opened.set_result(None)
        except BaseException as error:
            self._done = True
            self.hand_over.close()
            self.sink.close()
            self._opened.set_exception(error)

    def _run(self, frames: FrameFormat) -> None:
        self._open(frames)
        while self.alive:
            self.step()

    def _fail(self, error: StylecamError) -> None:
        self.error = self.error or error
        self.hand_over.close()
        while self.hand_over.take(0) is not None:
            pass
        self._close()

    def _close(self) -> None:
        if self._done:
            return
        self._done = True
        try:
            self.sink.close()
        except StylecamError as error:
            self.error = self.error or error
        except Exception as error:
            reason = f"{self.sink.name}: could not be finished: {error}"
            self.error = self.error or SinkFault(reason)


class Outputs:
    """All sinks of a run. A fault ends one sink; `on_fault` is told of it in one line."""

    def __init__(self, outputs: list[Output], on_fault: Callable[[StylecamError], None]) -> None:
        self._outputs = outputs
        self._on_fault = on_fault
        self._told: set[int] = set()
        self.errors: list[StylecamError] = []

    def start(self, frames: FrameFormat) -> None:
        """Open every sink; if one cannot, close those that could and raise why."""
        started: list[Output] = []
        try:
            for output in self._outputs:
                output.start(frames)
                started.append(output)
        except BaseException:
            for output in started:
                output.finish()
            raise

    def add(self, output: Output, frames: FrameFormat) -> None:
        """A sink that joins while it runs. Raises what opening it raised."""
        output.start(frames)
        self._outputs = [*self._outputs, output]

    def remove(self, output: Output) -> None:
        """Finish a sink that leaves while the others go on."""
        self._outputs = [other for other in self._outputs if other is not output]
        output.finish()
        self._report(output)

    def put(self, frame: Frame, decorated: Callable[[], Frame]) -> None:
        """Hand a frame to all; local sinks get the one with overlays."""
        local = any(output.local and output.alive for output in self._outputs)
        shown = decorated() if local else frame
        for output in self._outputs:
            if output.alive:
                output.hand_over.put(shown if output.local else frame)

    def pump(self, timeout: float) -> None:
        """One step of the sinks that live in the main thread; else just wait that long."""
        mains = [o for o in self._outputs if o.sink.main_thread and o.alive]
        for output in mains:
            output.step(timeout)
        if not mains:
            time.sleep(timeout)
        for output in self._outputs:
            self._report(output)

    def finish(self) -> None:
        for output in self._outputs:
            output.hand_over.close()
        for output in self._outputs:
            output.finish()
            self._report(output)

    @property
    def alive(self) -> bool:
        return any(output.alive for output in self._outputs)

    @property
    def dropped(self) -> int:
        return sum(output.hand_over.dropped for output in self._outputs)

    def _report(self, output: Output) -> None:
        if output.error is not None and id(output) not in self._told:
            self._told.add(id(output))
            self.errors.append(output.error)
            self._on_fault(output.error)
