"""What the viewer of a live run sees of a generator: exposure eased, the painting held."""

from collections.abc import Callable
from itertools import count

from models.exposure import EasedExposure
from models.preparation import AS_IT_IS, Preparation
from models.steadiness.hold import LIVE_SMOOTHING, PaintingHold
from training.data.tensors import Picture

FRAME_RATE = 25.0
"""Frames per second at which a clip counts as shown."""


def as_shown(
    generator: Callable[[Picture], Picture], preparation: Preparation = AS_IT_IS
) -> Callable[[Picture], Picture]:
    """A painter of one clip that shows its frames, given in order, as a live run does.

    `generator` paints a frame (H, W, 3) uint8 RGB; `preparation` is what it expects
    to be done to one. All at strength 1 and at the frame's own size.
    """
    eased, hold, frames = EasedExposure(), PaintingHold(), count()

    def paint(frame: Picture) -> Picture:
        seconds = next(frames) / FRAME_RATE
        painted = generator(preparation.next_prepared(frame, eased, seconds))
        return hold.blend(frame, painted, seconds, LIVE_SMOOTHING)

    return paint
