"""Source to stylizer to sinks: who runs in which thread, who may drop, who ends whom.

Three kinds of threads hand frames on: one reads the source, one paints, one each writes to a
sink. What must be run by the main thread (a window) is run by whoever calls `run`.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from models.errors import ModelError, StylecamError
from realtime.adapt import Adaptive
from realtime.capture import Capture, HandOver, Limits
from realtime.change import LastPainting
from realtime.control.overlay import draw_help, draw_recording, draw_status, status_text
from realtime.fit import FitMode, Size, fit, shrink_to_fit
from realtime.frame import RGB, Frame, FrameFormat
from realtime.keeping import Keeping, Ways
from realtime.line import Line
from realtime.mailbox import Mailbox
from realtime.metrics import Metrics
from realtime.outputs import Output, Outputs
from realtime.settings import Settings, SettingsBox
from realtime.sinks import Sink
from realtime.sources import Source
from realtime.stylizer import Stylizer, placeholder

READ_AHEAD = 4
PUMP = 0.01
SILENCE = 0.25
"""Seconds without a frame after which live sinks are given the last picture again."""
STATUS_SECONDS = 2.0
"""For how long a change of style or strength is written on the picture."""


@dataclass(frozen=True)
class Plan:
    """What a run is besides its parts. Sizes in pixels, times in seconds.

    Where somebody watches (`live`), or the source cannot wait, the newest frame wins; otherwise
    every frame is painted and written. `size` is what sinks get (None: the source's), brought
    about by `fit`. `local` names the sinks that get text over the picture; `titles` gives a
    style's. Where the run is live, `skip_static` spares painting a still scene again, and
    `target_fps` has it painted smaller, at last lighter, while so many frames a second are not
    reached. `rests` lets the source rest while the picture is paused or no sink is watched.
    `on_message` is told in one line what happens meanwhile, `on_progress` the number of painted
    frames; both from any thread.
    """

    live: bool
    size: Size | None = None
    fit: FitMode = "letterbox"
    limits: Limits = field(default_factory=Limits)
    reconnect: float = 0.0
    local: frozenset[str] = frozenset()
    keep: Ways = field(default_factory=Ways)
    titles: Callable[[str], str] = str
    skip_static: bool = False
    target_fps: float | None = None
    rests: bool = False
    on_message: Callable[[str], None] = lambda _: None
    on_progress: Callable[[int], None] = lambda _: None


class Pipeline:
    """One run. The caller's thread starts it, runs the window, and stops it.

    `start` once, then `run`, which returns when the source ends, a limit is reached, the user
    quits, or nothing is left to write to; it raises the first thing that kept it from going on.
    """

    def __init__(
        self, source: Source, stylizer: Stylizer, sinks: list[Sink], box: SettingsBox, plan: Plan
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
        self.outputs = Outputs(self._sink_failed)
        self._keeping = Keeping(plan.keep, self.outputs, box, self.metrics, plan.on_message)
        self._last_painting = LastPainting()
        self._adaptive = Adaptive(plan.target_fps) if plan.target_fps is not None else None
        self._thread = threading.Thread(target=self._paint_all, name="stylize", daemon=True)
        self._error: BaseException | None = None
        self._failing = self._given_up = False
        self.interrupted = False
        self._finishing = False
        self._last: Frame | None = None
        self._seen = box.current
        self._changed = 0.0

    def start(self) -> tuple[FrameFormat, FrameFormat]:
        """Open source and sinks; what comes in and what goes out.

        Raises UsageError, SourceFault or SinkFault; then everything is closed again.
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
        self._hand_over: HandOver = Mailbox[Frame]() if self.live else Line[Frame](READ_AHEAD)
        self._changed = time.monotonic()
        self._thread.start()
        self.capture.begin(self._hand_over)
        return incoming, outgoing

    def run(self) -> None:
        """Until the end. Whatever happens, recordings are finished."""
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
        """Have `run` end soon. Takes no lock, so that a signal's handler may call it."""
        self.interrupted = True

    @property
    def dropped(self) -> int:
        """Frames that came too fast for the generator or for a sink."""
        return self._hand_over.dropped + self.outputs.dropped

    def report(self) -> str:
        """Rates, times and losses so far, in one line for people."""
        return self.metrics.line(dropped=self.dropped)

    @property
    def _ending(self) -> bool:
        return self._finishing or self.interrupted or self.box.current.quit

    def _idle(self) -> bool:
        settings = self.box.current
        unseen = settings.paused or not self.outputs.watched
        return self.plan.rests and self.live and unseen and not settings.recording

    def _finish(self) -> None:
        self._finishing = True
        self.capture.stop()
        self.outputs.close()
        # Painting may wait for a place in a line; closing the lines let it go.
        self._thread.join(timeout=5.0)
        if not self._thread.is_alive():
            self._keeping.close()
            self.stylizer.close()
        self.outputs.finish()

    def _output(self, sink: Sink) -> Output:
        local = sink.name in self.plan.local
        return Output(sink, self.metrics, lossless=not self.live, local=local)

    def _sink_failed(self, error: StylecamError) -> None:
        if self.outputs.alive:
            self.plan.on_message(f"{error}; the other outputs go on")

    def _paint_all(self) -> None:
        """The life of the painting thread."""
        try:
            while not self._hand_over.closed and not self._ending:
                frame = self._hand_over.take(SILENCE)
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
        """For who watches while the source is silent: keys and text go on working."""
        settings = self.box.current
        shown = replace(last, captured=time.monotonic())
        self._follow(settings, shown)
        self.outputs.put(shown, lambda: self._with_text(shown, settings), only_live=True)

    def _painting(self, frame: Frame, settings: Settings) -> RGB:
        """The last one again where it would become the same, else a new one."""
        if _plain(settings) or not (self.plan.skip_static and self.live):
            return self._painted(frame, settings)
        self.stylizer.follow(settings.style)
        how = (
            *(self.stylizer.generator, self.stylizer.quality),
            *(settings.strength, settings.view, settings.mirror),
        )
        rgb = self._last_painting.of(frame.rgb, how)
        if rgb is not None:
            self.metrics.count_unchanged()
            return rgb
        rgb = self._painted(frame, settings)
        if not self._failing:
            self._last_painting.keep(frame.rgb, how, rgb)
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
        """Let the next frames be painted smaller or larger, or lighter, to hold the rate."""
        if self._adaptive is None or self.stylizer.loading:  # that was not the wanted one's time
            return
        changed = self._adaptive.painted(took, has_lighter=self.stylizer.has_lighter(style))
        scale, lighter = self._adaptive.scale, self._adaptive.lighter
        where = f"{scale:g} of the size" + (", by the lighter generator" if lighter else "")
        if changed:
            self.stylizer.quality, self.stylizer.lighter = scale, lighter
            self.plan.on_message(f"painting at {where}, to hold {self.plan.target_fps:g} frames/s")
        elif self._adaptive.reached is not None and not self._given_up:
            self._given_up = True
            self.plan.on_message(
                f"{self.plan.target_fps:g} frames/s cannot be held here: "
                f"{self._adaptive.reached:.1f} at {where}"
            )

    def _follow(self, settings: Settings, shown: Frame) -> None:
        """Do what a change of the settings asks for beyond the picture itself."""
        before, self._seen = self._seen, settings
        if status_text("", before) + before.style != status_text("", settings) + settings.style:
            self._changed = time.monotonic()
        self._keeping.follow(settings, shown.rgb, self._outgoing)

    def _with_text(self, frame: Frame, settings: Settings) -> Frame:
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


def _plain(settings: Settings) -> bool:
    """Whether no generator is needed: such frames cost nothing, and are never held back."""
    return settings.view == "original" or settings.strength == 0
