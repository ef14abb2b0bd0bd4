"""The Python interface: a style as a function from picture to picture."""

import time
from dataclasses import replace
from typing import Any

import numpy as np

from models.default_style import DEFAULT_STYLE
from models.errors import UsageError, lookup
from models.pictures import RGB
from realtime.control.state import Settings
from realtime.control.values import VALUES
from realtime.frames.frame import Frame
from realtime.frames.views import with_colours_of
from realtime.inference.backends.registry import make_backend
from realtime.inference.catalogue import RunCatalogue
from realtime.inference.stylizer import Stylizer as InnerStylizer


class Stylizer:
    """Paints pictures in a style: `Stylizer("starry-night")(frame)`.

    A frame is an array (H, W, 3), uint8, RGB, as Pillow has it (OpenCV's order is BGR); the
    painting has the same size. `style` is a name (`Stylizer.styles`) or the path of a model.
    `strength` is in 0..1. `scale` in 0..1 paints at that fraction of the size: faster, with larger
    strokes. `smoothing` in 0..1 holds strokes where nothing moves, for frames of a video in order.
    `device`, `backend` and `threads` are those of `stylecam run`.

    One thread at a time may use it. It is a context manager; `close` frees the memory earlier than
    Python would. Raises UsageError for a wrong argument or picture (the text says which), and
    ModelError for a damaged model; both are a models.errors.StylecamError.
    """

    def __init__(
        self,
        style: str = DEFAULT_STYLE,
        *,
        strength: float = 1.0,
        scale: float = 1.0,
        smoothing: float = 0.0,
        preserve_colours: bool = False,
        device: str = "auto",
        backend: str = "onnx",
        threads: int | None = None,
    ) -> None:
        self._catalogue = RunCatalogue(style)
        first = self._catalogue.first
        self._settings = Settings(styles=tuple(self._catalogue.paths), style=first)
        self._set("strength", strength)
        self._set("scale", scale)
        self._set("smoothing", smoothing)
        self._set("preserve_colours", preserve_colours)
        self._frames = 0
        self._inner = InnerStylizer(
            self._catalogue.find,
            lambda _: make_backend(backend, device, threads=threads, half=None),
            keep=2,
        )
        self.backend = self._inner.load(first)
        """In words, what runs it."""

    @property
    def styles(self) -> tuple[str, ...]:
        """The names of the styles that exist."""
        return self._settings.styles

    @property
    def style(self) -> str:
        """The style that paints. Setting it loads another one before it returns."""
        return self._settings.style

    @style.setter
    def style(self, name: str) -> None:
        lookup("style", name, dict.fromkeys(self.styles))
        self.backend = self._inner.load(name)
        self._settings = replace(self._settings, style=name)

    @property
    def strength(self) -> float:
        """From 0 (the picture itself) to 1 (only paint); may be set at any time."""
        return self._settings.strength

    @strength.setter
    def strength(self, strength: float) -> None:
        self._set("strength", strength)

    def __call__(self, frame: RGB) -> RGB:
        """The painting of `frame`, a new array of the same size; `frame` stays as it is."""
        rgb = _checked(frame)
        now = time.monotonic()
        self._frames += 1
        seen = Frame(rgb, self._frames, now, now)
        painted = self._inner.stylize(seen, self._settings).rgb
        if self._settings.preserve_colours:
            painted = with_colours_of(rgb, painted)
        return painted.copy() if painted is frame or not painted.flags.writeable else painted

    def close(self) -> None:
        """Free the model. May be called twice."""
        self._inner.close()
        self._catalogue.stop()

    def __enter__(self) -> "Stylizer":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _set(self, name: str, value: Any) -> None:
        self._settings = VALUES[name].setter(value)(self._settings)


def _checked(frame: RGB) -> RGB:
    if not isinstance(frame, np.ndarray):
        raise UsageError(f"a frame must be a numpy array, not {type(frame).__name__}")
    if frame.dtype != np.uint8 or frame.ndim != 3 or frame.shape[2] != 3 or 0 in frame.shape:
        raise UsageError(
            f"a frame must be (H, W, 3) uint8 RGB, not {frame.shape} {frame.dtype}; "
            "Pillow: np.asarray(image.convert('RGB'))"
        )
    return np.ascontiguousarray(frame)
