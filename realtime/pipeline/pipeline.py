"""From source to stylizer to sinks: which thread does what, who may drop frames, who ends whom.

One thread reads the source, one paints, and one per sink writes. A sink that needs the main
thread (a window) runs in the thread that calls `run`.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from models.errors import ModelError, StylecamError
from models.pictures import RGB
from realtime.control.overlay import draw_help, draw_recording, draw_status, status_text
from realtime.control.state import Settings, SettingsStore
from realtime.frames.frame import Frame, FrameFormat
from realtime.frames.resize import FitMode, Size, fit, shrink_to_fit
from realtime.inference.stylizer import Stylizer, placeholder
from realtime.pipeline.adaptive_scale import AdaptiveScale
from realtime.pipeline.capture import Capture, Limits
from realtime.pipeline.metrics import Metrics
from realtime.pipeline.queues import BoundedQueue, FrameQueue, Mailbox
from realtime.pipeline.saving import SaveController, SaveTargets
from realtime.pipeline.sink_runner import SinkGroup, SinkRunner
from realtime.pipeline.static_scene import PaintingCache
from realtime.sinks import Sink
from realtime.sources import Source

READ_AHEAD = 4
PUMP = 0.01
SILENCE = 0.25
"""Seconds without a frame after which live sinks get the last picture again."""
STATUS_SECONDS = 2.0
"""For how long the status line is shown after a change of style, strength, view or mirror."""


@dataclass(frozen=True)
class Plan:
    """The options of a run. Sizes in pixels, times in seconds.

    If somebody watches (`live`), or the source cannot wait, the newest frame wins; otherwise
    every frame is painted and written. Sinks get pictures of `size` (None: the source's), which
    `fit` brings about. `local` names the sinks that get text on the picture; `titles` gives the
    title of a style. In a live run, `skip_static` avoids painting a still scene again. While a
    live run does not reach `target_fps`, it paints smaller, and finally with a lighter generator.
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
    titles: Callable[[str], str] = str
    skip_static: bool = False
    target_fps: float | None = None
    may_idle: bool = False
    on_message: Callable[[str], None] = lambda _: None
    on_progress: Callable[[int], None] = lambda _: None


class Pipeline:
    """One run. The caller's thread starts it, runs the window, and stops it.

    Call `start` once, then `run`. It returns when the source ends, a limit is reached, the user
    quits or no sink is left. It then raises an error of the painting, else of the source, else
    the first one of a sink.
    """

    def __init__(
        self, source: Source, stylizer: Stylizer, sinks: list[Sink], box: SettingsStore, plan: Plan
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
        self._sinks = sinks
        self.outputs = SinkGroup(self._sink_failed)
        self._save_controller = SaveController(
            plan.keep, self.outputs, box, self.metrics, plan.on_message
        )
        self._painting_cache = PaintingCache()
        self._adaptive_scale = (
            AdaptiveScale(plan.target_fps) if plan.target_fps is not None else None
        )
        self._thread = threading.Thread(target=self._paint_all, name="stylize", daemon=True)
        self._error: BaseException | None = None
        self._failing = self._given_up = False
        self.interrupted = False
        self._finishing = False
        self._last: Frame | None = None
        self._seen = box.current
        self._changed = 0.0

    def start(self) -> tuple[FrameFormat, FrameFormat]:
        """Open source and sinks; return the formats of incoming and of outgoing frames.

        Raises UsageError, SourceFault or SinkFault, with everything closed again.
        """
        try:
            incoming = self.capture.open()
            self.live = self.plan.live or incoming.live
            own = Size(incoming.width, incoming.height)
            self._size = self.plan.size or own
            outgoing = replace(
                incoming, width=self._size.width, height=self._size.height, live=self.live
            )
            self.stylizer.warm_up(own, live=self.live)
            self.outputs.start([self._output(sink) for sink in self._sinks], outgoing)
        except BaseException:
            self.capture.stop()
            self.stylizer.close()
            raise
        self._outgoing = outgoing
        self._queue: FrameQueue = Mailbox[Frame]() if self.live else BoundedQueue[Frame](READ_AHEAD)
        self._changed = time.monotonic()
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
        """Make `run` end soon. Takes no lock, so a signal handler may call it."""
        self.interrupted = True

    @property
    def dropped(self) -> int:
        """Number of frames that came too fast for the generator or for a sink."""
        return self._queue.dropped + self.outputs.dropped

    def report(self) -> str:
        """Rates, times and losses so far, in one line for people."""
        return self.metrics.line(dropped=self.dropped)

    @property
    def _ending(self) -> bool:
        return self._finishing or self.interrupted or self.box.current.quit

    def _idle(self) -> bool:
        settings = self.box.current
        unseen = settings.paused or not self.outputs.has_viewers
        return self.plan.may_idle and self.live and unseen and not settings.recording

    def _finish(self) -> None:
        self._finishing = True
        self.capture.stop()
        self.outputs.close()
        # Painting may have waited for a place in a line; closing the lines released it.
        self._thread.join(timeout=5.0)
        if not self._thread.is_alive():
            self._save_controller.close()
            self.stylizer.close()
        self.outputs.finish()

    def _output(self, sink: Sink) -> SinkRunner:
        local = sink.name in self.plan.local
        return SinkRunner(sink, self.metrics, lossless=not self.live, local=local)

    def _sink_failed(self, error: StylecamError) -> None:
        if self.outputs.alive:
            self.plan.on_message(f"{error}; the other outputs go on")

    def _paint_all(self) -> None:
        """The main loop of the painting thread."""
        try:
            while not self._queue.closed and not self._ending:
                frame = self._queue.take(SILENCE)
                if frame is not None:
                    self._show(frame)
                elif self._last is not None and self.live:
                    self._show_again(self._last)
        except BaseException as error:
            self._error = error

    def _show(self, frame: Frame) -> None:
        settings = self.box.current
        if settings.paused and self._last is not None:
            shown = replace(frame, rgb=self._last.rgb)
        else:
            shown = self._last = replace(frame, rgb=self._painting(frame, settings))
        self._follow(settings, shown)
        self.outputs.put(shown, lambda: self._with_text(shown, settings))
        self.metrics.count_painted()
        self.plan.on_progress(self.metrics.painted)

    def _show_again(self, last: Frame) -> None:
        """Show the last frame while the source is silent, so that keys and text keep working."""
        settings = self.box.current
        shown = replace(last, captured=time.monotonic())
        self._follow(settings, shown)
        self.outputs.put(shown, lambda: self._with_text(shown, settings), only_live=True)

    def _painting(self, frame: Frame, settings: Settings) -> RGB:
        """The last painting again if a new one would be the same; otherwise a new one."""
        if _plain(settings) or not (self.plan.skip_static and self.live):
            return self._painted(frame, settings)
        self.stylizer.request_style(settings.style)
        how = (
            *(self.stylizer.generator, self.stylizer.extra_scale),
            *(settings.strength, settings.view, settings.mirror),
        )
        rgb = self._painting_cache.get(frame.rgb, how)
        if rgb is not None:
            self.metrics.count_unchanged()
            return rgb
        rgb = self._painted(frame, settings)
        if not self._failing:
            self._painting_cache.put(frame.rgb, how, rgb)
        return rgb

    def _painted(self, frame: Frame, settings: Settings) -> RGB:
        began = time.monotonic()
        width, height = self._size
        rgb = shrink_to_fit(frame.rgb, width, height, self.plan.fit)
        try:
            rgb = self.stylizer.stylize(replace(frame, rgb=rgb), settings).rgb
            self._failing = False
        except ModelError as error:
            if not self.live:
                raise
            if not self._failing:
                self.plan.on_message(f"{error}; showing an empty picture meanwhile")
            self._failing = True
            rgb = placeholder(height, width)
        rgb = fit(rgb, width, height, self.plan.fit)
        rgb.setflags(write=False)
        took = time.monotonic() - began
        self.metrics.add("stylize", took)
        if self.live and not self._failing and not _plain(settings):
            self._adapt(took, settings.style)
        return rgb

    def _adapt(self, took: float, style: str) -> None:
        """Adapt the size or the generator of the next frames, to hold the target rate."""
        if self._adaptive_scale is None or self.stylizer.loading:  # not the wanted generator's time
            return
        changed = self._adaptive_scale.record(took, has_lighter=self.stylizer.has_lighter(style))
        scale, lighter = self._adaptive_scale.scale, self._adaptive_scale.lighter
        where = f"{scale:g} of the size" + (", by the lighter generator" if lighter else "")
        if changed:
            self.stylizer.extra_scale, self.stylizer.lighter = scale, lighter
            self.plan.on_message(f"painting at {where}, to hold {self.plan.target_fps:g} frames/s")
        elif self._adaptive_scale.reached_fps is not None and not self._given_up:
            self._given_up = True
            self.plan.on_message(
                f"{self.plan.target_fps:g} frames/s cannot be held here: "
                f"{self._adaptive_scale.reached_fps:.1f} at {where}"
            )

    def _follow(self, settings: Settings, shown: Frame) -> None:
        """Act on changed settings beyond the picture itself: status line, snapshots, recordings."""
        before, self._seen = self._seen, settings
        if status_text("", before) + before.style != status_text("", settings) + settings.style:
            self._changed = time.monotonic()
        self._save_controller.follow(settings, shown.rgb, self._outgoing)

    def _with_text(self, frame: Frame, settings: Settings) -> Frame:
        """The frame with the text that the person at the machine should see on it."""
        rgb = frame.rgb
        title = self.plan.titles(settings.style)
        if settings.recording:
            rgb = draw_recording(rgb)
        if settings.help:
            rgb = draw_help(rgb, title=title, strength=settings.strength)
        elif settings.paused or time.monotonic() - self._changed < STATUS_SECONDS:
            rgb = draw_status(rgb, status_text(title, settings))
        return replace(frame, rgb=rgb)


def _plain(settings: Settings) -> bool:
    """Whether no generator is needed; such frames cost nothing, so none is skipped as static."""
    return settings.view == "original" or settings.strength == 0
