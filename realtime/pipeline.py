"""The way of a frame, forward only: capture, stylize, outputs. Starts, joins, stops them."""

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from models.errors import StylecamError
from realtime.capture import Capture, HandOver, Limits
from realtime.control.overlay import draw_help, draw_recording, draw_status, status_text
from realtime.fit import FitMode, Size, fit
from realtime.frame import RGB, Frame, FrameFormat
from realtime.line import Line
from realtime.mailbox import Mailbox
from realtime.metrics import Metrics
from realtime.outputs import Output, Outputs
from realtime.settings import VERBS, Settings, SettingsBox
from realtime.sinks import Sink
from realtime.sinks.image_file import write_picture
from realtime.sources import Source
from realtime.stylizer import Stylizer

log = logging.getLogger(__name__)
READ_AHEAD = 4
PUMP = 0.01
STATUS_SECONDS = 2.0
"""For how long a change of style or strength is written on the picture."""


@dataclass(frozen=True)
class Plan:
    """What a run is besides its parts. Sizes in pixels, times in seconds.

    `live` is True where somebody watches or the source cannot wait: the newest frame wins.
    Otherwise every frame is painted and written. `size` is what sinks get (None: the
    source's), brought about by `fit`.
    """

    live: bool
    size: Size | None = None
    fit: FitMode = "letterbox"
    limits: Limits = field(default_factory=Limits)
    reconnect: float = 0.0
    local: frozenset[str] = frozenset()
    pictures: Path = Path()
    recorder: Callable[[Path], Sink] | None = None
    titles: Callable[[str], str] = str
    on_message: Callable[[str], None] = lambda _: None
    on_progress: Callable[[int], None] = lambda _: None


class Pipeline:
    """One run. The caller's thread starts it, runs the window, and stops it.

    `run` returns when the source ends, a limit is reached, the user quits, or nothing is left
    to write to; it raises the first thing that kept it from going on.
    """

    def __init__(
        self, source: Source, stylizer: Stylizer, sinks: list[Sink], box: SettingsBox, plan: Plan
    ) -> None:
        self.metrics = Metrics()
        self.box, self.plan, self.stylizer = box, plan, stylizer
        hand_over: HandOver = Mailbox[Frame]() if plan.live else Line[Frame](READ_AHEAD)
        self.capture = Capture(
            source,
            hand_over,
            reconnect=plan.reconnect,
            limits=plan.limits,
            on_message=plan.on_message,
        )
        self.outputs = Outputs([self._output(sink) for sink in sinks], self._sink_failed)
        self._thread = threading.Thread(target=self._paint_all, name="stylize", daemon=True)
        self._clerk = ThreadPoolExecutor(max_workers=1, thread_name_prefix="snapshots")
        self._error: StylecamError | None = None
        self._recording: Output | None = None
        self._changed = 0.0
        self._last: Frame | None = None
        self._seen = box.current

    def start(self) -> tuple[FrameFormat, FrameFormat]:
        """Open source and sinks; what comes in and what goes out.

        Raises UsageError, SourceFault or SinkFault; then everything is closed again.
        """
        self._incoming = self.capture.start()
        width, height = self.plan.size or (self._incoming.width, self._incoming.height)
        self._outgoing = replace(self._incoming, width=width, height=height)
        try:
            self.outputs.start(self._outgoing)
        except BaseException:
            self.capture.stop()
            raise
        self._thread.start()
        return self._incoming, self._outgoing

    def run(self) -> None:
        """Until the end. Whatever happens, recordings are finalised."""
        try:
            while self._thread.is_alive() and self.outputs.alive and not self.box.current.quit:
                self.outputs.pump(PUMP)
        finally:
            self._stop()
        error = self._error or self.capture.error
        if error is None and self.outputs.errors:
            error = self.outputs.errors[0]
        if error is not None:
            raise error

    @property
    def dropped(self) -> int:
        """Frames that came too fast for the generator or for a sink."""
        return self.capture.hand_over.dropped + self.outputs.dropped

    def _stop(self) -> None:
        self.capture.stop()
        self.outputs.finish()
        # Painting may wait for a place in a line: finishing the outputs let it go.
        self._thread.join(timeout=5.0)
        self._clerk.shutdown()
        if not self._thread.is_alive():
            self.stylizer.close()

    def _output(self, sink: Sink) -> Output:
        local = sink.name in self.plan.local
        return Output(sink, self.metrics, lossless=not self.plan.live, local=local)

    def _sink_failed(self, error: StylecamError) -> None:
        if self.outputs.alive:
            self.plan.on_message(f"{error}; going on without it")

    def _paint_all(self) -> None:
        try:
            while (frame := self._next_frame()) is not None:
                self._paint(frame)
        except StylecamError as error:
            self._error = error
        except Exception as error:
            log.exception("painting failed")
            self._error = StylecamError(f"painting failed: {type(error).__name__}: {error}")

    def _next_frame(self) -> Frame | None:
        hand_over = self.capture.hand_over
        while not hand_over.closed:
            frame = hand_over.take(timeout=0.5)
            if frame is not None:
                return frame
        return None

    def _paint(self, frame: Frame) -> None:
        settings = self.box.current
        if settings.paused and self._last is not None:
            shown = replace(frame, rgb=self._last.rgb)
        else:
            began = time.monotonic()
            shown = self.stylizer.stylize(frame, settings)
            self.metrics.add("stylize", time.monotonic() - began)
            shown = replace(shown, rgb=self._fitted(shown.rgb))
            self._last = shown
        self._obey(settings, shown)
        self.outputs.put(shown, lambda: self._decorated(shown, settings))
        self.metrics.count_painted()
        self.plan.on_progress(self.metrics.painted)

    def _fitted(self, rgb: RGB) -> RGB:
        return fit(rgb, self._outgoing.width, self._outgoing.height, self.plan.fit)

    def _obey(self, settings: Settings, shown: Frame) -> None:
        """Do what a change of the settings asks for beyond the picture itself."""
        before, self._seen = self._seen, settings
        if (before.style, before.strength) != (settings.style, settings.strength):
            self._changed = time.monotonic()
        if settings.snapshots > before.snapshots:
            self._clerk.submit(self._snapshot, shown.rgb)
        if settings.recording != (self._recording is not None):
            self._toggle_recording(on=settings.recording)

    def _snapshot(self, rgb: RGB) -> None:
        path = self._stamped("png")
        try:
            write_picture(path, rgb)
            self.plan.on_message(f"snapshot: {path}")
        except StylecamError as error:
            self.plan.on_message(str(error))

    def _toggle_recording(self, *, on: bool) -> None:
        if not on:
            assert self._recording is not None
            self._clerk.submit(self.outputs.remove, self._recording)
            self.plan.on_message(f"recorded: {self._recording.sink.name}")
            self._recording = None
            return
        if self.plan.recorder is None:
            return
        try:
            output = self._output(self.plan.recorder(self._stamped("mp4")))
            self.outputs.add(output, self._outgoing)
        except StylecamError as error:
            self.plan.on_message(str(error))
            self.box.apply(lambda s: replace(s, recording=False))
            return
        self._recording = output
        self.plan.on_message(f"recording: {output.sink.name}")

    def _stamped(self, suffix: str) -> Path:
        now = datetime.now().astimezone().strftime("%Y%m%d-%H%M%S-%f")[:-3]
        return self.plan.pictures / f"stylecam-{now}.{suffix}"

    def _decorated(self, frame: Frame, settings: Settings) -> Frame:
        """The frame with what the person at the machine should see on it."""
        rgb = frame.rgb
        title = self.plan.titles(settings.style)
        if settings.recording:
            rgb = draw_recording(rgb)
        if settings.help:
            rgb = draw_help(rgb, title=title, strength=settings.strength)
        elif settings.paused or time.monotonic() - self._changed < STATUS_SECONDS:
            rgb = draw_status(rgb, status_text(title, settings))
        return replace(frame, rgb=rgb)


def stop(box: SettingsBox) -> None:
    """Ask a running pipeline to end; safe in a signal handler and in any thread."""
    box.apply(VERBS["quit"])
