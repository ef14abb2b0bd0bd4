"""Writes a frame's number into its pixels, and reads it back from the painted picture.

So the measured latency is that of the very picture that arrives, whatever the program reports.
"""

import time
from itertools import count

import numpy as np

from models.errors import StylecamError
from models.pictures import RGB
from realtime.frames.frame import Frame, FrameFormat
from realtime.sinks import Sink
from realtime.sinks.wrapper import SinkWrapper
from realtime.sources import Source

BITS = 8
PERIOD = 1 << BITS
"""Numbers repeat after this many frames: more than are ever in flight."""
PAIRS = BITS + 2
"""Pairs of blocks in a mark: a fixed pair, one for each bit, and one for even parity."""
SIDE = 32
"""Side of a block in pixels, if the frame is wide enough: several brush strokes."""
CONTRAST = 24
"""A mark is unreadable if the halves of a pair differ by less than this many levels."""


def block_side(width: int) -> int:
    """Side of a block, in pixels, in a frame of that width."""
    return max(1, min(SIDE, width // (2 * PAIRS)))


def draw_frame_number(rgb: RGB, number: int) -> RGB:
    """A copy of `rgb` (H, W, 3) with `number` (modulo PERIOD) as pairs of blocks at the top.

    A pair is white then black for 1, black then white for 0. Only which half is lighter is read,
    and every style that keeps light and dark apart preserves that.
    """
    marked = rgb.copy()
    side = block_side(rgb.shape[1])
    blocks = np.array([[bit, 1 - bit] for bit in _pairs(number % PERIOD)], np.uint8).ravel()
    marked[:side, : side * blocks.size] = np.repeat(255 * blocks, side)[None, :, None]
    return marked


def read_frame_number(rgb: RGB) -> int | None:
    """The number in 0..PERIOD - 1 that the picture (H, W, 3) shows; None if it is unreadable.

    Exchanging light and dark in the picture does not matter.
    """
    side = block_side(rgb.shape[1])
    if side < 3:
        return None
    band = rgb[:side, : 2 * PAIRS * side].mean(axis=2)
    edge = side // 4  # a brush smears the borders between blocks
    blocks = band.reshape(side, 2 * PAIRS, side)[edge : side - edge, :, edge : side - edge]
    levels = blocks.mean(axis=(0, 2)).reshape(PAIRS, 2)
    contrast = levels[:, 0] - levels[:, 1]
    if abs(contrast).min() < CONTRAST:
        return None
    bits = [int(bit) for bit in (contrast > 0) == (contrast[0] > 0)]
    number = sum(bit << place for place, bit in enumerate(bits[1:-1]))
    return number if bits == _pairs(number) else None


def _pairs(number: int) -> list[int]:
    bits = [number >> place & 1 for place in range(BITS)]
    return [1, *bits, sum(bits) % 2]


class NumberedSource:
    """A `Source` that writes each frame's number into it; `captured` maps number to capture time.

    The reading thread makes the copy that this needs, before the frame counts as captured.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self.label = source.label
        self._numbers = count()
        self.captured: dict[int, float] = {}

    def open(self) -> FrameFormat:
        return self._source.open()

    def read(self) -> Frame:
        frame, number = self._source.read(), next(self._numbers)
        rgb = draw_frame_number(frame.rgb, number)
        rgb.setflags(write=False)
        now = time.monotonic()
        self.captured[number % PERIOD] = now
        return Frame(rgb, frame.index, now, frame.timestamp)

    def close(self) -> None:
        self._source.close()

    def renewed(self) -> None:
        """A measurement ends where its source hangs."""
        return


class LatencyProbe(SinkWrapper):
    """Wraps a `Sink`: after that has written a frame, reads the frame's number.

    `latencies` are the seconds since exactly that frame was captured, in order of arrival;
    `unread` counts pictures whose mark could not be read because it was painted over.
    """

    def __init__(self, sink: Sink, source: NumberedSource) -> None:
        super().__init__(sink)
        self._source = source
        self.latencies: list[float] = []
        self.unread = 0

    def write(self, frame: Frame) -> None:
        self.wrapped.write(frame)
        arrived = time.monotonic()
        number = read_frame_number(frame.rgb)
        if number is None or number not in self._source.captured:
            self.unread += 1
        else:
            self.latencies.append(arrived - self._source.captured[number])

    def spread_ms(self) -> tuple[float, float]:
        """Median and 95th percentile in ms. Raises StylecamError if half or more are unreadable."""
        if len(self.latencies) <= self.unread:
            raise StylecamError(
                f"{self.name}: the style paints over the marks of the latency test "
                f"({self.unread} of {self.unread + len(self.latencies)} frames cannot be read); "
                "measure another style, or use --no-end-to-end"
            )
        p50, p95 = np.percentile(np.array(self.latencies) * 1000, [50, 95])
        return float(p50), float(p95)
