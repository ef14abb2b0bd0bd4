"""Turns decoded video frames into upright RGB pictures as a screen shows them. Uses PyAV."""

import logging
from collections.abc import Callable

import av
import numpy as np
from av.sidedata.sidedata import Type as SideDataType
from av.video.reformatter import Colorspace, Interpolation

from models.picture_formats.decoding import on_white
from models.pictures import RGB
from realtime.sources.decoding.tone_map import HDR_CURVES, side_data, tone_mapped

log = logging.getLogger(__name__)

UNSPECIFIED_MATRIX = 2
HD_WIDTH, HD_HEIGHT = 1280, 577
"""From this width or height on, players take untagged video for BT.709 (mpv, browsers)."""


EIGHT_BIT_FORMATS = {(2, 2): "yuv420p", (2, 4): "yuv422p", (4, 4): "yuv444p"}
"""By the width and height of the chroma of four pixels by four."""


class UprightRGB:
    """Converts the frames of one stream to (H, W, 3) uint8 sRGB of `size` (width, height).

    It makes pixels square, follows the display matrix (turned and mirrored recordings), takes
    untagged HD for BT.709, maps HDR (PQ, HLG) to what an SDR screen can show, and lays
    transparent parts on white.
    """

    def __init__(self, first: av.VideoFrame, stream: av.VideoStream, *, name: str) -> None:
        # Some cameras and discs store pixels that are not square.
        aspect = stream.sample_aspect_ratio or 1
        self._stored = (max(1, round(first.width * aspect)), first.height)
        self._orient, transposed = orientation(display_matrix(first))
        self.size = self._stored[::-1] if transposed else self._stored
        self._name = name
        self._said_white = False
        if first.color_trc in HDR_CURVES:
            log.warning("%s: HDR; brought to the range of a normal screen", name)

    def convert(self, frame: av.VideoFrame) -> RGB:
        if frame.color_trc in HDR_CURVES:
            rgb = tone_mapped(self._array(frame, "yuv444p16le"), frame)
        elif has_alpha(frame):
            rgb = self._laid_on_white(self._array(frame, "rgba"))
        else:
            rgb = self._array(frame, "rgb24")
        return np.ascontiguousarray(self._orient(rgb), dtype=np.uint8)

    def _array(self, frame: av.VideoFrame, pixels: str) -> np.ndarray:
        width, height = self._stored
        matrix = assumed_matrix(frame)
        if pixels == "rgb24" and (shallow := eight_bit_format(frame.format)):
            # Straight from more bits, swscale blurs the chroma, which a recording blurs once more.
            frame = frame.reformat(format=shallow)
        return frame.to_ndarray(
            format=pixels,
            width=width,
            height=height,
            src_colorspace=matrix,
            interpolation=Interpolation.BICUBIC,
        )

    def _laid_on_white(self, rgba: np.ndarray) -> RGB:
        rgb, any_white = on_white(rgba)
        if any_white and not self._said_white:
            self._said_white = True
            log.warning("%s: its transparent parts become white", self._name)
        return rgb


def eight_bit_format(own: av.VideoFormat) -> str | None:
    """The format of 8 bits with the same planes; None if `own` is no YCbCr of more bits."""
    if own.is_rgb or len(own.components) != 3 or max(c.bits for c in own.components) <= 8:
        return None
    return EIGHT_BIT_FORMATS.get((own.chroma_width(4), own.chroma_height(4)))


def has_alpha(frame: av.VideoFrame) -> bool:
    return frame.format.name == "pal8" or any(c.is_alpha for c in frame.format.components)


def assumed_matrix(frame: av.VideoFrame) -> Colorspace | None:
    """The matrix of an untagged frame; None if it has a tag."""
    if frame.colorspace != UNSPECIFIED_MATRIX:
        return None
    hd = frame.width >= HD_WIDTH or frame.height >= HD_HEIGHT
    return Colorspace.ITU709 if hd else Colorspace.ITU601


def display_matrix(frame: av.VideoFrame) -> np.ndarray:
    """The upper left 2×2 of the frame's display matrix; the identity if it has none."""
    data = side_data(frame, SideDataType.DISPLAYMATRIX)
    if not data:
        return np.eye(2)
    return np.frombuffer(data, np.int32).reshape(3, 3)[:2, :2].astype(float)


def orientation(matrix: np.ndarray) -> tuple[Callable[[np.ndarray], np.ndarray], bool]:
    """What brings a stored picture upright, and whether that exchanges width and height.

    A stored pixel (x, y) is shown at (x, y) @ matrix (ISO/IEC 14496-12, 6.2.2). Angles between
    quarter turns are rounded.
    """
    (a, b), (c, d) = matrix
    transposed = abs(b) + abs(c) > abs(a) + abs(d)
    flip_x, flip_y = (c < 0, b < 0) if transposed else (a < 0, d < 0)

    def bring_upright(picture: np.ndarray) -> np.ndarray:
        if transposed:
            picture = picture.swapaxes(0, 1)
        return picture[:: -1 if flip_y else 1, :: -1 if flip_x else 1]

    return bring_upright, transposed
