"""Sizes of pictures, and the size to paint at. Pure arithmetic; light to import.

resize.py brings pictures to a size.
"""

from typing import Literal, NamedTuple

from models.card import MINIMUM_SIDE

FitMode = Literal["letterbox", "crop", "stretch"]
FIT_MODES: tuple[FitMode, ...] = ("letterbox", "crop", "stretch")
Layout = Literal["side-by-side", "picture-in-picture"]
LAYOUTS: tuple[Layout, ...] = ("side-by-side", "picture-in-picture")
"""How one picture shows several (layout.py)."""


class Size(NamedTuple):
    """Width and height in pixels, in this order."""

    width: int
    height: int

    def __str__(self) -> str:
        return f"{self.width}x{self.height}"


def largest_inside(shape: Size, bounds: Size) -> Size:
    """The largest size inside `bounds` with the proportions of `shape`; sides are at least 1."""
    scale = min(bounds.width / shape.width, bounds.height / shape.height)
    return Size(
        min(bounds.width, max(1, round(shape.width * scale))),
        min(bounds.height, max(1, round(shape.height * scale))),
    )


LIVE_LINES = 360
"""A live frame is shrunk for painting only while its shorter side keeps this many pixels."""


def live_scale(frame: Size) -> float:
    """The scale for live frames: 1 / n with an integer n, so that shrinking is exact and cheap.

    It is 1/2 for 1280×720, 1/3 for 1920×1080 and 1 for 640×480.
    """
    return 1 / max(1, min(frame.width, frame.height) // LIVE_LINES)


def processing_size(frame: Size, *, within: Size | None = None, scale: float = 1.0) -> Size:
    """The size at which frames of size `frame` are painted.

    Never larger than the frame times `scale` nor than `within`, with proportions kept. But no side
    is below the generators' minimum (MINIMUM_SIDE), so tiny pictures are enlarged.
    """
    size = Size(max(1, round(frame.width * scale)), max(1, round(frame.height * scale)))
    if within is not None and (size.width > within.width or size.height > within.height):
        size = largest_inside(size, within)
    return Size(max(MINIMUM_SIDE, size.width), max(MINIMUM_SIDE, size.height))


def painted_size(frame: Size, scale: float | None, *, within: Size | None = None) -> Size:
    """Like `processing_size`, but `scale` None means `live_scale` of the frame."""
    return processing_size(
        frame, within=within, scale=live_scale(frame) if scale is None else scale
    )
