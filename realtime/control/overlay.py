"""Text on the picture for the person at the machine: help, status line, recording dot.

The functions are pure and return a new picture; the class decides when. With these calls,
OpenCV 5 draws a real typeface, and OpenCV 4 its stroke font, which has only ASCII characters.
"""

import time
from collections.abc import Callable, Mapping
from typing import NamedTuple, TypeAlias

import cv2
import numpy as np

from models.pictures import RGB
from realtime.control.hotkeys import legend
from realtime.control.state import Settings

Colour: TypeAlias = tuple[int, int, int]

FONT = cv2.FONT_HERSHEY_SIMPLEX
WHITE = (245, 245, 245)
GREY = (186, 186, 194)
ACCENT = (255, 196, 92)
RED = (235, 52, 52)
SHADE = 0.2
"""Share of the brightness that is kept under a panel: dark enough for white text on snow."""


STATUS_SECONDS = 2.0
"""For how long the status line is shown after a change of style, strength, view or mirror."""


class Overlay:
    """Decides which text is shown, and for how long. To be used by one thread only.

    `titles` are the styles' titles by name; a style without one is called by its name.
    """

    def __init__(
        self,
        settings: Settings,
        titles: Mapping[str, str],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._seen, self._titles, self._clock = settings, titles, clock
        self._changed = clock()

    def follow(self, settings: Settings) -> None:
        """Record what has changed. To be called for every frame, whether text is drawn or not."""
        before, self._seen = self._seen, settings
        if before.style != settings.style or status_text("", before) != status_text("", settings):
            self._changed = self._clock()

    def draw(
        self,
        rgb: RGB,
        settings: Settings,
        lost_for: float | None = None,
        notice: str | None = None,
    ) -> RGB:
        """The picture with the text that the person at the machine should see on it.

        `lost_for` is for how many seconds the source has been lost; None if it is not. `notice`
        says what has just gone wrong.
        """
        title = self._titles.get(settings.style, settings.style)
        if settings.recording:
            rgb = draw_recording(rgb)
        if settings.help:
            rgb = draw_help(rgb, title=title, strength=settings.strength)
        elif notice is not None:
            rgb = draw_status(rgb, notice)
        elif lost_for is not None:
            rgb = draw_status(rgb, lost_text(lost_for))
        elif settings.paused or self._clock() - self._changed < STATUS_SECONDS:
            rgb = draw_status(rgb, status_text(title, settings))
        return rgb


class Type(NamedTuple):
    """One size of text: OpenCV's scale, and the line height in pixels."""

    scale: float
    line: int

    def width(self, text: str) -> int:
        """Pixels that `text` takes."""
        return int(cv2.getTextSize(text, FONT, self.scale, 1)[0][0])

    def cut(self, text: str, width: int) -> str:
        """`text`, shortened until it takes no more than `width` pixels."""
        if self.width(text) <= width:
            return text
        while text and self.width(text + "...") > width:
            text = text[:-1]
        return text.rstrip() + "..."


def type_of(pixels: float) -> Type:
    """The text size whose line is `pixels` high, but at least 9: smaller text is unreadable."""
    line = max(9.0, pixels)
    return Type(scale=line / 34, line=round(line))


def status_text(title: str, settings: Settings) -> str:
    """Title and strength, like "The Scream  80 %", and whatever differs from the defaults."""
    return "  ".join([title, f"{settings.strength * 100:.0f} %", *marks(settings)])


def marks(settings: Settings) -> list[str]:
    """Whatever differs from the defaults, in a word or two each."""
    told = []
    if settings.blend_with is not None:
        told.append(f"{settings.blend * 100:.0f} % {settings.blend_with}")
    told += [settings.view] if settings.view != "styled" else []
    told += [f"scale {settings.scale:g}"] if settings.scale is not None else []
    told += [f"smoothing {settings.smoothing:g}"] if settings.smoothing is not None else []
    told += [f"zoom {settings.zoom:g}"] if settings.zoom != 1 else []
    told += [f"turned {settings.rotation}"] if settings.rotation else []
    told += [f"shuffle {settings.shuffle:g} s"] if settings.shuffle else []
    words = {
        "colours": settings.preserve_colours,
        "sharper": settings.enhance > 0,
        "mirror": settings.mirror,
        "own mirror": settings.mirror_own,
        "frozen": settings.frozen,
        "blank": settings.blank,
        "paused": settings.paused,
    }
    return told + [word for word, holds in words.items() if holds]


def lost_text(seconds: float) -> str:
    """What the person at the machine reads while no new frame comes."""
    return f"camera lost for {seconds:.0f} s, trying again"


def draw_status(rgb: RGB, text: str) -> RGB:
    """A short line in the lower left corner."""
    size = type_of(rgb.shape[0] / 22)
    margin = size.line // 2
    text = size.cut(text, rgb.shape[1] - 4 * margin)
    bottom = rgb.shape[0] - margin
    box = (margin, bottom - size.line * 3 // 2, size.width(text) + 2 * margin, size.line * 3 // 2)
    out = _panel(rgb, *box, shade=SHADE * 1.6)
    return _write(out, text, (box[0] + margin, bottom - size.line // 2), size, WHITE)


def draw_recording(rgb: RGB) -> RGB:
    """A red dot and REC in the upper right corner."""
    size = type_of(rgb.shape[0] / 22)
    margin = size.line // 2
    width = size.width("REC") + 2 * margin + size.line
    left = rgb.shape[1] - width - margin
    out = _panel(rgb, left, margin, width, size.line * 3 // 2, shade=SHADE * 1.6)
    centre = (left + margin + size.line // 3, margin + size.line * 3 // 4)
    cv2.circle(out, centre, max(3, size.line // 3), RED, cv2.FILLED, cv2.LINE_AA)
    return _write(out, "REC", (left + margin + size.line, margin + size.line), size, WHITE)


def draw_help(rgb: RGB, *, title: str, strength: float) -> RGB:
    """The keys and what they do on a dark panel, with the style's title and strength 0..1."""
    rows = legend()
    height, width = rgb.shape[:2]
    size = type_of(min(height / (len(rows) + 6), width / 22) * 0.9)
    step = min(size.line * 1.25, (height - size.line) / (len(rows) + 3.2))
    keys_width = max(size.width(keys) for keys, _ in rows)
    labels_width = max(size.width(label) for _, label in rows)
    state = f"{strength * 100:.0f} %"
    gap = size.line
    inner = max(keys_width + gap + labels_width, size.width(title) + gap + size.width(state))
    inner = min(inner, width - 3 * gap)
    title = size.cut(title, inner - gap - size.width(state))
    left, top = (width - inner) // 2, (height - step * (len(rows) + 1.6)) / 2

    pad = round(gap * 0.9)
    out = _panel(
        rgb,
        left - pad,
        round(top - pad),
        inner + 2 * pad,
        round(step * (len(rows) + 1.6)) + 2 * pad,
    )
    base = top + size.line * 0.8
    _write(out, title, (left, round(base)), size, ACCENT)
    _write(out, state, (left + inner - size.width(state), round(base)), size, ACCENT)
    rule = round(base + step * 0.62)
    cv2.line(out, (left, rule), (left + inner, rule), (110, 110, 118), 1)
    for number, (keys, label) in enumerate(rows):
        y = round(base + step * (number + 1.6))
        _write(out, keys, (left, y), size, GREY)
        _write(out, label, (left + keys_width + gap, y), size, WHITE)
    return out


def _panel(rgb: RGB, x: int, y: int, width: int, height: int, *, shade: float = SHADE) -> RGB:
    """A copy with that rectangle darkened; the rectangle is clipped to the picture."""
    out = np.array(rgb, order="C")
    part = out[max(0, y) : y + height, max(0, x) : x + width]
    part[:] = (part * shade + 12).astype(np.uint8)
    return out


def _write(out: RGB, text: str, at: tuple[int, int], size: Type, colour: Colour) -> RGB:
    """Draw on `out` itself, which must be a copy; `at` is (x, y) of the text's lower left."""
    thickness = 1 if size.line < 34 else 2
    cv2.putText(out, text, at, FONT, size.scale, colour, thickness, cv2.LINE_AA)
    return out
