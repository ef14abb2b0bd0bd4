"""The life cycle of a run: which thread does what, who may drop frames, what ends the run.

One thread reads the source (capture.py), one paints (painting.py), and one per sink writes
(sink_runner.py). A sink that needs the main thread (a window) runs in the thread that calls
`run`. A frame goes one way: capture, queue, painter, then the queue of every sink.
"""

import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from models.errors import StylecamError
from models.pictures import RGB
from realtime.control.monitor import Effort, Figures
from realtime.control.notices import Notice, Notices
from realtime.control.overlay import Overlay
from realtime.control.state import Settings, SettingsStore
from realtime.frames.frame import Frame, FrameFormat
from realtime.frames.geometry import Geometry
from realtime.frames.lost import LostMode
from realtime.frames.size import FitMode, Size
from realtime.frames.views import mirrored
from realtime.inference.stylizer import Stylizer
from realtime.pipeline.capture import Capture, Limits
from realtime.pipeline.effort.control import EffortControl
from realtime.pipeline.effort.cpu_budget import CpuBudget
from realtime.pipeline.effort.frame_rate import FrameRate
from realtime.pipeline.interruptible import run_interruptibly
from realtime.pipeline.metrics import Metrics
from realtime.pipeline.painting import Painter
from realtime.pipeline.queues import BoundedQueue, FrameQueue, Mailbox
from realtime.pipeline.rotation import StyleRotation
from realtime.pipeline.saving import SaveController, SaveTargets
from realtime.pipeline.sink_runner import SinkGroup, SinkRunner
from realtime.pipeline.watch.lost_picture import LostPicture
from realtime.pipeline.watch.source_watch import SourceWatch
from realtime.sinks import Sink
from realtime.sources import Source

READ_AHEAD = 4
PUMP = 0.01
HEARTBEAT = 10.0
"""Seconds for which one picture may keep the painting thread before it counts as stuck."""
SILENCE = 0.25
"""Seconds without a frame after which live sinks get the last picture again."""


@dataclass(frozen=True)
class Plan:
    """The options of a run. Sizes in pixels, times in seconds.

    If the run is `live`, or the source cannot wait, frames that are late are dropped; otherwise
    every frame is painted and written. Sinks get pictures of `size` (None: the source's); `fit`
    says how. `local` names the sinks that get text on the picture; `titles` are the
    styles' titles by name. In a live run, `skip_static` avoids painting a still scene again. While
    a live run does not reach `target_fps`, or needs more than the share `cpu_budget` of the CPU, it
    paints with less work (pipeline/effort); for the budget it also skips frames. `cpu_time` is the
    processor time of the run so far.
    For `fade` s after a change of style, a live run shows the new painting over the old.
    `lost` is what the outputs of a live run show while its source gives no frames.
    Once nothing was changed for `attract` s, styles change by themselves (0: never).
    `source_name` is what messages call the source (None: its own label).
    `may_idle` lets the source rest while the picture is paused or no sink is watched. `on_message`
    gets one line about each event, `on_progress` the number of painted frames, in any thread.
    """

    live: bool
    size: Size | None = None
    fit: FitMode = "letterbox"
    limits: Limits = field(default_factory=Limits)
    reconnect: float = 0.0
    local: frozenset[str] = frozenset()
    keep: SaveTargets = field(default_factory=SaveTargets)
    titles: Mapping[str, str] = field(default_factory=dict)
    skip_static: bool = False
    target_fps: float | None = None
    cpu_budget: float | None = None
    cpu_time: Callable[[], float] = time.process_time
    may_idle: bool = False
    fade: float = 0.0
    lost: LostMode = "hold"
    attract: float = 0.0
    source_name: str | None = None
    on_message: Callable[[str], None] = lambda _: None
    on_progress: Callable[[int], None] = lambda _: None


HANDOVER = 0.0005
"""Seconds after which a thread hands Python's lock to one that waits. By the default, 5 ms, a style
that is being loaded keeps the painting waiting at each step, and a change of style drops frames."""


class Service(Protocol):
    """What runs beside source and sinks for as long as the run, such as the control server."""

    def start(self) -> None:
        """Start. Raises a StylecamError with the reason and the remedy."""
        ...

    def stop(self) -> None:
        """Stop promptly, whatever clients do. May be called twice, and without `start`."""
        ...


class Pipeline:
    """One run. The caller's thread starts it, runs the window, and stops it.

    Call `start` once, then `run`. It returns when the source ends, a limit is reached, the user
    quits or no sink is left. It then raises an error of the painting, else of the source, else
    the first one of a sink.
    """

    def __init__(
        self,
        source: Source,
        stylizer: Stylizer,
        sinks: list[Sink],
        box: SettingsStore,
        plan: Plan,
        *,
        services: Sequence[Service] = (),
    ) -> None:
        self.metrics = Metrics()
        self.box, self.plan, self.stylizer = box, plan, stylizer
        self.capture = Capture(
            source,
            reconnect=plan.reconnect,
            limits=plan.limits,
            on_message=plan.on_message,
            idle=self._idle,
        )
        self.live = plan.live
        self._source, self._sinks, self._services = source, sinks, services
        self._notices = Notices()
        self._beat: float | None = None
        self.outputs = SinkGroup(self._sink_failed, self.announce)
        self._save_controller = SaveController(
            plan.keep, self.outputs, box, self.metrics, plan.on_message, on_fault=self.announce
        )
        self._thread = threading.Thread(target=self._paint_all, name="stylize", daemon=True)
        self._source_watch: SourceWatch | None = None
        self._effort: EffortControl | None = None
        self._shown: Frame | None = None
        self._error: BaseException | None = None
        self.interrupted = False
        self._finishing = False

    def start(self) -> tuple[FrameFormat, FrameFormat]:
        """Start services, open source and sinks; return the formats of frames in and out.

        Raises UsageError, SourceFault or SinkFault, with everything closed again; so it does with
        KeyboardInterrupt after `stop`, whatever is still opening.
        """
        try:
            for service in self._services:
                service.start()
            incoming = self.capture.open(self._is_interrupted)
            self.live = self.plan.live or incoming.live
            if self.live:  # frames that are dropped do not count: the painting counts
                self.capture.limits = replace(self.plan.limits, frames=None)
                sys.setswitchinterval(HANDOVER)
            own = Size(incoming.width, incoming.height)
            geometry = Geometry(self.plan.size or own, self.plan.fit)
            width, height = geometry.size
            outgoing = replace(incoming, width=width, height=height, live=self.live)
            run_interruptibly(
                lambda: self.stylizer.warm_up(geometry.prepared_size(own), live=self.live),
                self._is_interrupted,
                name="warm up",
            )
            self.outputs.start([self._output(sink) for sink in self._sinks], outgoing)
        except BaseException:
            self.capture.stop()
            self.stylizer.close()
            self._stop_services()
            raise
        self._outgoing = outgoing
        self._queue: FrameQueue = Mailbox[Frame]() if self.live else BoundedQueue[Frame](READ_AHEAD)
        self._effort = self._make_effort()
        self._painter = self._make_painter(geometry)
        self._lost_picture = LostPicture(
            self.plan.lost, self._painter, source=own, size=geometry.size
        )
        self._overlay = Overlay(self.box.current, self.plan.titles)
        self._rotation = StyleRotation(self.box, attract=self.plan.attract)
        if self.live:
            self._source_watch = SourceWatch(incoming.fps, on_message=self.plan.on_message)
        self._thread.start()
        self.capture.start_reading(self._queue)
        return incoming, outgoing

    def run(self) -> None:
        """Run until the end. Whatever happens, recordings are finished."""
        try:
            while self._thread.is_alive() and self.outputs.alive and not self._ending:
                self.outputs.pump(PUMP)
        finally:
            self._finish()
        if self._error is not None:
            raise self._error
        error = self.capture.error or next(iter(self.outputs.errors), None)
        if error is not None:
            raise error

    def stop(self) -> None:
        """Make `run` return soon. Takes no lock, so a signal handler may call it."""
        self.interrupted = True

    def _is_interrupted(self) -> bool:
        return self.interrupted

    @property
    def dropped(self) -> int:
        """Number of frames dropped because the generator or a sink was too slow."""
        return self._queue.dropped + self.outputs.dropped

    def report(self) -> str:
        """A summary so far in one readable line: rates, times, dropped frames."""
        return self.metrics.line(dropped=self.dropped)

    @property
    def source(self) -> str:
        """What messages call the source."""
        return self.plan.source_name or self._source.label

    @property
    def lost_for(self) -> float | None:
        """Seconds since the last new frame, if a live source seems lost; otherwise None."""
        return self._source_watch.lost_for if self._source_watch is not None else None

    @property
    def alive(self) -> bool:
        """Whether the painting thread has done something, even if only waited, a moment ago."""
        return self._beat is not None and time.monotonic() - self._beat < HEARTBEAT

    @property
    def notice(self) -> Notice | None:
        """What went wrong last."""
        return self._notices.newest

    @property
    def effort(self) -> Effort:
        """With how much work it paints, and which limits it keeps to."""
        return Effort() if self._effort is None else self._effort.state

    def figures(self) -> Figures:
        """Counts, rate and times so far."""
        dropped = self.dropped if self._source_watch is not None else 0
        return self.metrics.figures(frames_in=self.capture.frames, dropped=dropped)

    def picture(self) -> Frame | None:
        """The newest finished picture; None before the first. Shown again, it keeps its index."""
        return self._shown

    @property
    def _ending(self) -> bool:
        return self._finishing or self.interrupted or self.box.current.quit

    def _idle(self) -> bool:
        settings = self.box.current
        unseen = settings.paused or settings.blank or not self.outputs.has_viewers
        return self.plan.may_idle and self.live and unseen and not settings.recording

    def _finish(self) -> None:
        self._finishing = True
        self.capture.stop()
        self.outputs.close()
        # Painting may have waited for room in a queue; closing the queues released it.
        self._thread.join(timeout=5.0)
        if not self._thread.is_alive():
            self._save_controller.close()
            self.stylizer.close()
        self.outputs.finish()
        self._stop_services()

    def _stop_services(self) -> None:
        for service in self._services:
            service.stop()

    def _output(self, sink: Sink) -> SinkRunner:
        local = sink.name in self.plan.local
        return SinkRunner(
            sink,
            self.metrics,
            lossless=not self.live,
            local=local,
            interrupted=self._is_interrupted,
        )

    def _sink_failed(self, error: StylecamError) -> None:
        if self.outputs.alive:
            self.announce(f"{error}; the other outputs continue")

    def announce(self, text: str) -> None:
        """Tell of a failure on every face."""
        self._notices.post(text)
        self.plan.on_message(text)

    def _make_effort(self) -> EffortControl | None:
        """What keeps a live run to its limits; None if it has none."""
        plan = self.plan
        if plan.target_fps is None and plan.cpu_budget is None:
            return None
        if not self.live:
            plan.on_message(
                "a frame rate or a CPU budget is kept only while somebody watches, or the source "
                "is live: this run paints every frame in full"
            )
            return None
        rate = None if plan.target_fps is None else FrameRate(plan.target_fps)
        budget = None
        if plan.cpu_budget is not None:
            budget = CpuBudget(
                plan.cpu_budget,
                offered=lambda: self.capture.frames,
                target=plan.target_fps,
                cpu_time=plan.cpu_time,
            )
        return EffortControl(self.stylizer, rate=rate, budget=budget, on_message=plan.on_message)

    def _make_painter(self, geometry: Geometry) -> Painter:
        return Painter(
            self.stylizer,
            geometry,
            self.metrics,
            live=self.live,
            skip_static=self.plan.skip_static,
            effort=self._effort,
            fade=self.plan.fade,
            on_message=self.plan.on_message,
        )

    def _paint_all(self) -> None:
        """The main loop of the painting thread."""
        try:
            while not self._queue.closed and not self._ending:
                self._beat = time.monotonic()
                if self._effort is not None:
                    self._effort.wait(lambda: self._ending or self._queue.closed)
                frame = self._queue.take(self._lost_picture.interval or SILENCE)
                if self.live:
                    self._rotation.tick()
                settings, began = self.box.current, time.monotonic()
                self._watch_source(frame)
                if frame is not None:
                    self._lost_picture.saw_frame(frame)
                    self._hand_over(self._painter.paint(frame, settings), settings)
                    self.metrics.count_painted()
                    if self._effort is not None:
                        self._effort.shown(time.monotonic() - began)
                    self.plan.on_progress(self.metrics.painted)
                    if self.plan.limits.full(self.metrics.painted):
                        return
                elif self.live:
                    self._fill_silence(settings)
        except BaseException as error:
            self._error = error

    def _fill_silence(self, settings: Settings) -> None:
        """No frame came: keys and the text on the picture keep working."""
        lost = None if self.lost_for is None else self._lost_picture.picture(settings)
        if lost is not None:
            self._hand_over(lost, settings, only_live=not self._lost_picture.recordable)
        elif (again := self._painter.repeat(settings)) is not None:
            self._hand_over(again, settings, only_live=True)

    def _watch_source(self, frame: Frame | None) -> None:
        if self._source_watch is None or self._queue.closed:
            return
        if frame is not None:
            self._source_watch.saw_frame()
        else:
            self._source_watch.saw_nothing(resting=self._idle())
            self.capture.replace_if_stuck()

    def _hand_over(self, shown: Frame, settings: Settings, *, only_live: bool = False) -> None:
        """Give a finished picture to everything that shows or saves it."""
        self._shown = shown
        self._overlay.follow(settings)
        self._save_controller.follow(settings, shown.rgb, self._outgoing)
        self.outputs.put(
            shown,
            lambda: replace(shown, rgb=self._own_view(shown.rgb, settings)),
            only_live=only_live,
        )

    def _own_view(self, rgb: RGB, settings: Settings) -> RGB:
        """The picture as the person at the machine sees it in a window."""
        card = self._painter.failing or self._lost_picture.shows_card
        own = mirrored(rgb) if settings.mirror_own and not card else rgb
        return self._overlay.draw(own, settings, self.lost_for, self._notices.shown)
