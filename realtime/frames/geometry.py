"""The geometry of a run's pictures: one stage before painting, one after. Pure.

In between, a picture keeps its size; only the generator works on a smaller copy of it. A sink that
wants pictures of a size of its own gets them from `to_accepted_size`.
"""

from dataclasses import dataclass

import numpy as np

from models.picture_formats.sixteen_bits import AnyRGB
from models.pictures import RGB
from realtime.frames.resize import fit, shrink_to_fit, shrunk_size
from realtime.frames.size import FitMode, Size
from realtime.frames.views import mirrored


@dataclass(frozen=True, slots=True)
class Geometry:
    """`size` is that of the finished pictures, `mode` how frames of another shape are fitted."""

    size: Size
    mode: FitMode = "letterbox"

    def prepared_size(self, frame: Size) -> Size:
        """The size of what `prepare` makes of frames of size `frame`."""
        return shrunk_size(frame, self.size, self.mode)

    def prepare(
        self, rgb: AnyRGB, *, mirror: bool = False, zoom: float = 1.0, rotation: int = 0
    ) -> AnyRGB:
        """The frame (H, W, 3) as it is painted: turned, cut, shrunk, mirrored; without bars.

        So no pixel is painted that `finish` would discard. Only what a `zoom` above 1 cuts out of
        the middle is enlarged, to the size that the frame itself would have: strokes keep theirs.
        `rotation` is in degrees clockwise, a multiple of 90.
        """
        if rotation:
            rgb = np.rot90(rgb, -rotation // 90)
        rgb = shrink_to_fit(np.ascontiguousarray(rgb), *self.size, self.mode, zoom=zoom)
        return mirrored(rgb) if mirror else rgb

    def finish(self, rgb: AnyRGB) -> AnyRGB:
        """The painted picture, enlarged or with bars, in exactly `size`."""
        return fit(rgb, *self.size, self.mode)


def to_accepted_size(rgb: RGB, size: Size) -> RGB:
    """A finished picture (H, W, 3) in the size that a sink accepts.

    One row or column too many (video formats want even sizes) is cut off at the end, because
    resampling would blur the picture; anything else is letterboxed.
    """
    height, width = rgb.shape[:2]
    if (width, height) == size:
        return rgb
    if 0 <= width - size.width <= 1 and 0 <= height - size.height <= 1:
        return rgb[: size.height, : size.width]
    return fit(rgb, *size, "letterbox")
