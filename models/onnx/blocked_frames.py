"""Brings frames into a blocked graph (blocked_graph.py) and pictures out of it.

OpenCV and NumPy do it in a third of the time that the runtime would take.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from models.pictures import RGB

SIDE = 4
"""Pixels along the side of the square that one place of the graph's output stands for."""
WORD = 4
"""Bytes that are moved as one: 12 bytes of a row of a square are three words, whatever the block
of the layout is."""


class BlockedFrames:
    """A `FrameEnds` that owns scratch arrays.

    `block` is the layout's; the graph needs sides that are multiples of `stride`, and `edge`
    repeated pixels around them.
    """

    input = "planes"
    output = "blocks"

    def __init__(self, block: int, stride: int, edge: int) -> None:
        self._block, self._stride, self._edge = block, stride, edge
        self._bytes = np.empty((3, 0, 0), np.uint8)
        self._planes = np.empty((1, 3, 0, 0), np.float32)

    def given(self, rgb: RGB) -> NDArray[np.float32]:
        """The graph's input for a frame (H, W, 3) uint8 RGB: planes (1, 3, H', W') of 0..255.

        As in the usual graph: small frames are extended by their last pixels, then all by their
        reflection. The next frame overwrites it.
        """
        missing = [max(0, self._stride - side) for side in rgb.shape[:2]]
        extended = _extended(rgb, missing, cv2.BORDER_REPLICATE)
        missing = [-side % self._stride for side in extended.shape[:2]]
        whole = _extended(extended, missing, cv2.BORDER_REFLECT_101)
        edge = self._edge
        padded = cv2.copyMakeBorder(whole, edge, edge, edge, edge, cv2.BORDER_REPLICATE)
        if self._bytes.shape[1:] != padded.shape[:2]:
            self._bytes = np.empty((3, *padded.shape[:2]), np.uint8)
            self._planes = np.empty((1, *self._bytes.shape), np.float32)
        cv2.split(padded, list(self._bytes))
        np.copyto(self._planes[0], self._bytes)
        return self._planes

    def room(self, rgb: RGB) -> NDArray[np.uint8]:
        """An array for the graph's output for that frame: (1, 48, H' / 4, W' / 4) uint8."""
        rows, columns = (
            -(-max(side, self._stride) // self._stride) * self._stride // SIDE
            for side in rgb.shape[:2]
        )
        return np.empty((1, 3 * SIDE**2, rows, columns), np.uint8)

    def picture(self, blocks: NDArray[np.uint8], rgb: RGB) -> RGB:
        """The finished picture in the size of `rgb`: a new array. `blocks` is the graph's output.

        Of each place, the channels are the square's rows, its columns and RGB.
        """
        rows, columns = blocks.shape[2:]
        words = blocks.reshape(-1, rows, columns, self._block).view(np.uint32)
        in_block, in_row = self._block // WORD, SIDE * 3 // WORD
        whole = np.empty((rows * SIDE, columns * SIDE, 3), np.uint8)
        squares = whole.reshape(rows, SIDE, columns, SIDE * 3).view(np.uint32)
        for word in range(SIDE * in_row):
            row, place = divmod(word, in_row)
            squares[:, row, :, place] = words[word // in_block, :, :, word % in_block]
        return np.ascontiguousarray(whole[: rgb.shape[0], : rgb.shape[1]])


def _extended(rgb: RGB, missing: list[int], border: int) -> RGB:
    """The picture with so many rows and columns more, below and to the right."""
    if not any(missing):
        return rgb
    return np.asarray(cv2.copyMakeBorder(rgb, 0, missing[0], 0, missing[1], border), np.uint8)
