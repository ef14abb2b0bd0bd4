"""How a frame goes into a session and its picture comes out: what a graph takes and gives."""

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from models.pictures import RGB


class FrameEnds(Protocol):
    """For one thread. `input` and `output` are the names in the graph."""

    input: str
    output: str

    def given(self, rgb: RGB) -> NDArray[Any]:
        """The graph's input, C-contiguous, for a frame (H, W, 3) uint8 RGB."""
        ...

    def room(self, rgb: RGB) -> NDArray[np.uint8]:
        """An array for the graph's output for that frame."""
        ...

    def picture(self, out: NDArray[np.uint8], rgb: RGB) -> RGB:
        """The coarse or finished picture in that output."""
        ...


class PlainEnds:
    """Graphs that take the frame and give the picture, one of its pixels for `pitch` squared."""

    input = "frame"

    def __init__(self, output: str, pitch: int) -> None:
        self.output, self._pitch = output, pitch

    def given(self, rgb: RGB) -> RGB:
        return np.ascontiguousarray(rgb)

    def room(self, rgb: RGB) -> RGB:
        height, width = (-(-side // self._pitch) for side in rgb.shape[:2])
        return np.empty((height, width, 3), np.uint8)

    def picture(self, out: RGB, rgb: RGB) -> RGB:
        return out
