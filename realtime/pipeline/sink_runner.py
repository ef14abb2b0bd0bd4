"""Drives sinks: each in its own thread, or step by step in the main thread."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace

from models.errors import SinkFault, StylecamError
from realtime.frames.frame import Frame, FrameFormat
from realtime.frames.geometry import to_accepted_size
from realtime.frames.size import Size
from realtime.pipeline.interruptible import result_of
from realtime.pipeline.metrics import Metrics
from realtime.pipeline.queues import BoundedQueue, FrameQueue, Mailbox
from realtime.pipeline.watch.drop_watch import DropWatch
from realtime.sinks import Sink

POLL = 0.05
QUEUE_SIZE = 8
LONGEST_WAIT = 0.5
"""Seconds after which a picture that waits for a slow sink makes way for a newer one, in a live
run: what waits is lost with the process."""
FINISH_TIMEOUT = 60.0
"""Seconds to write the queued frames; a sink's `close_timeout` is added."""
FASTER = "a smaller --size, fewer --fps or, for a video, --codec h264 help"
STUCK = 2.0
"""Seconds that a sink may take for one frame before the user is told."""
LIVE_CLOSE_TIMEOUT = 3.0
"""Seconds to close a live sink, which has nothing to finish."""


class SinkRunner:
    """One sink and what feeds it. `error` says why it ended early; None otherwise. `written`
    counts its frames.

    With `lossless`, a sink that is not live blocks the painting rather than miss a frame.
    `local` sinks are watched by the person at the machine; only they get overlays. Once
    `interrupted` returns True, an opening that hangs is waited for no longer.
    """

    def __init__(
        self,
        sink: Sink,
        metrics: Metrics,
        *,
        lossless: bool,
        local: bool,
        interrupted: Callable[[], bool] = lambda: False,
    ) -> None:
        self.sink, self.local = sink, local
        self._interrupted = interrupted
        self._metrics = metrics
        self.queue: FrameQueue = (
            Mailbox[Frame]()
            if sink.live
            else BoundedQueue[Frame](QUEUE_SIZE, drop_oldest=not lossless, max_age=LONGEST_WAIT)
        )
        self._opened: Future[None] = Future()
        self._thread: threading.Thread | None = None
        self._done = False
        self._busy_since: float | None = None
        self.written = 0
        self.error: StylecamError | None = None
        self._drop_watch = None if sink.live or lossless else DropWatch()

    def start(self, frames: FrameFormat) -> None:
        """Open the sink, in its own thread unless it needs the main one. Raises its error."""
        self._size = self.sink.accepted_size(Size(frames.width, frames.height))
        frames = replace(frames, width=self._size.width, height=self._size.height)
        if self.sink.main_thread:
            self._open(frames)
        else:
            self._thread = threading.Thread(
                target=self._run, args=(frames,), name=self.sink.name, daemon=True
            )
            self._thread.start()
        result_of(self._opened, self._interrupted)

    @property
    def alive(self) -> bool:
        return not self._done

    @property
    def stuck(self) -> bool:
        """Whether the sink has been busy with one frame for longer than STUCK. Any thread asks."""
        since = self._busy_since
        return since is not None and time.monotonic() - since > STUCK

    def news(self) -> str | None:
        """That it cannot keep up, said once. One thread asks at a time."""
        if self._drop_watch is None or not self._drop_watch.too_slow(
            self.written, self.queue.dropped
        ):
            return None
        self._drop_watch = None
        return f"{self.sink.name}: too slow: most pictures are dropped; {FASTER}"

    def step(self, timeout: float | None = POLL) -> None:
        """Write the next frame, waiting `timeout` s at most (None: no limit); close at the end."""
        frame = self.queue.take(timeout)
        try:
            if frame is not None:
                self._busy_since = time.monotonic()
                self.sink.write(replace(frame, rgb=to_accepted_size(frame.rgb, self._size)))
                self.written += 1
                self._metrics.add("latency", time.monotonic() - frame.captured)
            elif self.queue.closed:
                self._close()
            else:
                self.sink.pump()
        except StylecamError as error:
            self._fail(error)
        except Exception as error:
            self._fail(SinkFault(f"{self.sink.name}: {type(error).__name__}: {error}"))
        finally:
            self._busy_since = None

    def finish(self) -> None:
        """Write the queued frames, then close.

        A sink that does not respond is abandoned, with an error.
        """
        self.queue.close()
        if self._thread is not None:
            if not self._opened.done():  # interrupted: its thread closes it if it ever opens
                return
            usual = LIVE_CLOSE_TIMEOUT if self.sink.live else FINISH_TIMEOUT
            self._thread.join(usual + self.sink.close_timeout)
            if self._thread.is_alive():
                reason = "does not respond and was abandoned; its output may be incomplete"
                self.error = self.error or SinkFault(f"{self.sink.name}: {reason}")
            return
        while self.alive:
            self.step()

    def _open(self, frames: FrameFormat) -> None:
        try:
            self.sink.open(frames)
            self._opened.set_result(None)
        except StylecamError as error:
            self._refuse(error)
        except Exception as error:
            self._refuse(SinkFault(f"{self.sink.name}: {type(error).__name__}: {error}"))

    def _refuse(self, error: StylecamError) -> None:
        self.queue.close()
        self._close()
        self._opened.set_exception(error)

    def _run(self, frames: FrameFormat) -> None:
        self._open(frames)
        while self.alive:
            self.step(self.sink.pump_interval)

    def _fail(self, error: StylecamError) -> None:
        self.error = self.error or error
        self.queue.close()
        while self.queue.take(0) is not None:
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


class SinkGroup:
    """All sinks of a run. A fault stops only its own sink and is passed to `on_fault` once.

    `on_message` gets one line about a sink that hangs, and one when it goes on.
    """

    def __init__(
        self,
        on_fault: Callable[[StylecamError], None],
        on_message: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._outputs: list[SinkRunner] = []
        self._lock = threading.Lock()
        self._on_fault, self._on_message = on_fault, on_message
        self._stuck: set[SinkRunner] = set()
        self._told: set[SinkRunner] = set()
        self._dropped_before = 0
        self.errors: list[StylecamError] = []

    def start(self, outputs: list[SinkRunner], frames: FrameFormat) -> None:
        """Open every sink; if one fails, close those that are open and raise its error."""
        try:
            for output in outputs:
                self.add(output, frames)
        except BaseException:
            self.finish()
            raise

    def add(self, output: SinkRunner, frames: FrameFormat) -> None:
        """Open and add a sink, even during the run. Raises what opening it raises."""
        try:
            output.start(frames)
        except BaseException:
            output.finish()
            raise
        with self._lock:
            self._outputs = [*self._outputs, output]

    def remove(self, output: SinkRunner) -> None:
        """Finish and remove a sink while the others go on."""
        output.finish()
        self._report(output)
        with self._lock:
            self._outputs = [other for other in self._outputs if other is not output]
            self._dropped_before += output.queue.dropped

    def put(self, frame: Frame, decorated: Callable[[], Frame], *, only_live: bool = False) -> None:
        """Hand `frame` to all sinks (or only live ones); local ones get `decorated()` instead."""
        takers = [o for o in self._outputs if o.alive and (o.sink.live or not only_live)]
        shown = decorated() if any(output.local for output in takers) else frame
        for output in takers:
            output.queue.put(shown if output.local else frame)
        self._watch()

    def pump(self, timeout: float) -> None:
        """Do one step of the main thread's sinks, or sleep if there are none; report faults."""
        mains = [o for o in self._outputs if o.sink.main_thread and o.alive]
        for output in mains:
            output.step(timeout)
        if not mains:
            time.sleep(POLL)
        self._watch()
        for output in self._outputs:
            self._report(output)

    def _watch(self) -> None:
        """Tell of sinks that hang or are too slow.

        The main thread and the painting thread do: either may wait.
        """
        for output in self._outputs:
            stuck = output.stuck
            with self._lock:
                news = output.news()
                changed = stuck != (output in self._stuck)
                self._stuck ^= {output} if changed else set()
            if news is not None:
                self._on_message(news)
            if not changed:
                continue
            if stuck:
                self._on_message(f"{output.sink.name}: has taken no picture for {STUCK:g} s")
            else:
                self._on_message(f"{output.sink.name}: takes pictures again")

    def close(self) -> None:
        """Accept no more frames; this releases a thread that waits for room in a queue."""
        for output in self._outputs:
            output.queue.close()

    def finish(self) -> None:
        """Write the queued frames and close every sink."""
        self.close()
        for output in self._outputs:
            output.finish()
            self._report(output)

    @property
    def alive(self) -> bool:
        return any(output.alive for output in self._outputs)

    @property
    def has_viewers(self) -> bool:
        """Whether anybody may be watching."""
        return any(o.alive and o.sink.has_viewers for o in self._outputs)

    @property
    def dropped(self) -> int:
        return self._dropped_before + sum(output.queue.dropped for output in self._outputs)

    def _report(self, output: SinkRunner) -> None:
        with self._lock:
            if output.error is None or output in self._told:
                return
            self._told.add(output)
            self.errors.append(output.error)
        self._on_fault(output.error)
