"""Turns each frame into the picture to show: geometry, view, generator, still scenes, frame rate.

This is the work of the painting thread. It knows no sinks and no threads.
"""

import time
from collections.abc import Callable
from dataclasses import replace

from models.errors import ModelError
from models.picture_formats.sixteen_bits import RGB16, AnyRGB, eight_bits, sixteen_bits
from models.pictures import RGB
from realtime.control.state import Settings
from realtime.frames.frame import Frame
from realtime.frames.geometry import Geometry
from realtime.frames.sharpen import sharpened
from realtime.frames.views import blank_picture, blended, placeholder, split, with_colours_of
from realtime.inference.stylizer import Stylizer
from realtime.pipeline.effort.control import EffortControl
from realtime.pipeline.metrics import Metrics
from realtime.pipeline.static_scene import PaintingCache


class CrossFade:
    """For `seconds` after a change of style, shows the new painting over the last of the old style.

    One thread uses it. Times are those of the frames, in seconds.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._style: str | None = None
        self._shown: RGB | None = None
        self._from: tuple[RGB, float] | None = None

    def apply(self, rgb: RGB, style: str, now: float) -> RGB:
        """The picture to show for `rgb`, which `style` painted of a frame captured at `now`."""
        if self._shown is not None and style != self._style and self._shown.shape == rgb.shape:
            self._from = (self._shown, now)
        self._style = style
        if self._from is not None:
            old, began = self._from
            # The first picture after the change already shows a little of the new style.
            share = (now - began) / self._seconds * 0.9 + 0.1
            if share >= 1.0:
                self._from = None
            else:
                rgb = blended(old, rgb, share)
                rgb.setflags(write=False)
        self._shown = rgb
        return rgb

    def forget(self) -> None:
        """Begin anew: the next picture is shown as it is."""
        self._shown = self._from = None


class Painter:
    """Paints frames as the settings say. To be used by one thread only.

    In a `live` run, a frame that the generator fails on becomes a placeholder, never the raw
    picture of the person at the camera; `skip_static` avoids painting a still scene again; and
    a change of style is a cross-fade of `fade` seconds. `effort` is told of each painting, and has
    the next ones done with less work where need be. `on_message` gets one line about each change.
    """

    def __init__(
        self,
        stylizer: Stylizer,
        geometry: Geometry,
        metrics: Metrics,
        *,
        live: bool,
        skip_static: bool = False,
        effort: EffortControl | None = None,
        fade: float = 0.0,
        on_message: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._stylizer, self._geometry, self._metrics = stylizer, geometry, metrics
        self._live, self._on_message = live, on_message
        self._effort = effort
        self._cache = PaintingCache() if live and skip_static else None
        self._fade = CrossFade(fade) if live and fade > 0 else None
        self._last: Frame | None = None
        self._frozen: RGB | None = None
        self._failing = False

    def paint(self, frame: Frame, settings: Settings) -> Frame:
        """The picture to show, with the index and times of `frame`; the last one while paused.

        Raises ModelError if the generator fails and the run is not live.
        """
        if settings.blank:
            return self._blank(frame)
        if settings.paused and self._last is not None:
            return replace(frame, rgb=self._last.rgb)
        if frame.deep is not None and not self._live and not settings.enhance:
            return self._paint_deep(frame, frame.deep, settings)
        self._frozen = (
            (frame.rgb if self._frozen is None else self._frozen) if settings.frozen else None
        )
        if self._frozen is not None:
            frame = replace(frame, rgb=self._frozen)
        rgb = self._picture(frame, settings)
        if self._fade is not None:
            rgb = self._faded(self._fade, rgb, frame, settings)
        self._last = replace(frame, rgb=rgb)
        return self._last

    def _paint_deep(self, frame: Frame, deep: RGB16, settings: Settings) -> Frame:
        """Blend at 16 bits: the paint has 8, but what shows of the frame keeps its own."""
        original = self._prepared(deep, settings)
        shown = original
        if not _plain(settings):
            source = replace(frame, rgb=eight_bits(original))
            paint = self._stylizer.stylize(source, replace(settings, strength=1.0)).rgb
            shown = blended(original, sixteen_bits(paint), settings.strength)
            if settings.preserve_colours:
                shown = with_colours_of(original, shown)
            shown = split(original, shown) if settings.view == "split" else shown
        shown = self._geometry.finish(shown)
        return replace(frame, rgb=eight_bits(shown), deep=shown)

    def _prepared(self, rgb: AnyRGB, settings: Settings) -> AnyRGB:
        return self._geometry.prepare(
            rgb, mirror=settings.mirror, zoom=settings.zoom, rotation=settings.rotation
        )

    @property
    def failing(self) -> bool:
        """Whether the last picture is a card because the generator failed."""
        return self._failing

    def repeat(self, settings: Settings) -> Frame | None:
        """The last picture again, as if captured now; None before the first."""
        if self._last is None:
            return None
        again = replace(self._last, captured=time.monotonic())
        return self._blank(again) if settings.blank else again

    def _blank(self, frame: Frame) -> Frame:
        """A picture that shows nothing of `frame`; afterwards, no old one fades into the new."""
        if self._fade is not None:
            self._fade.forget()
        width, height = self._geometry.size
        return replace(frame, rgb=blank_picture(height, width))

    def _faded(self, fade: CrossFade, rgb: RGB, frame: Frame, settings: Settings) -> RGB:
        """`rgb` during a cross-fade; what no generator painted neither fades in nor out."""
        if _plain(settings) or self._failing:
            fade.forget()
            return rgb
        return fade.apply(rgb, self._stylizer.style, frame.captured)

    def _picture(self, frame: Frame, settings: Settings) -> RGB:
        """The last painting again if a new one would be the same; otherwise a new one."""
        if self._cache is None or _plain(settings):
            return self._timed(frame, settings)
        self._stylizer.request_style(settings.look)
        how = (
            *(self._stylizer.generator, self._stylizer.extra_scale),
            *(settings.strength, settings.view, settings.mirror, settings.preserve_colours),
            *(settings.scale, settings.enhance, settings.zoom, settings.rotation),
        )
        rgb = self._cache.get(frame.rgb, how) if self._stylizer.settled else None
        if rgb is not None:
            self._metrics.count_unchanged()
            return rgb
        rgb = self._timed(frame, settings)
        if not self._failing:
            self._cache.put(frame.rgb, how, rgb)
        return rgb

    def _timed(self, frame: Frame, settings: Settings) -> RGB:
        """A new picture; the time that it took decides on the effort for the next ones."""
        began = time.monotonic()
        rgb = self._painted(frame, settings)
        rgb.setflags(write=False)
        took = time.monotonic() - began
        self._metrics.add("stylize", took)
        if self._effort is not None and not self._failing and not _plain(settings):
            self._effort.painted(took, settings.look)
        return rgb

    def _painted(self, frame: Frame, settings: Settings) -> RGB:
        source = replace(frame, rgb=self._prepared(frame.rgb, settings))
        try:
            rgb = self._view(source, settings)
            self._failing = False
        except ModelError as error:
            if not self._live:
                raise
            if not self._failing:
                self._on_message(f"{error}; showing a card until it works again")
            self._failing = True
            width, height = self._geometry.size
            return placeholder(height, width)
        return sharpened(self._geometry.finish(rgb), settings.enhance)

    def _view(self, source: Frame, settings: Settings) -> RGB:
        if _plain(settings):
            self._stylizer.request_style(settings.look)
            return source.rgb
        painted = self._stylizer.stylize(source, settings).rgb
        if settings.preserve_colours:
            painted = with_colours_of(source.rgb, painted)
        return split(source.rgb, painted) if settings.view == "split" else painted


def _plain(settings: Settings) -> bool:
    """Whether no generator is needed; such frames cost nothing, so none is skipped as static."""
    return settings.view == "original" or settings.strength == 0
