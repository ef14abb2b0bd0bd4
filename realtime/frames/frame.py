"""What travels through the program: one picture with its time. Always uint8 RGB HWC."""

from dataclasses import dataclass

from models.picture_formats.sixteen_bits import RGB16
from models.pictures import RGB


@dataclass(frozen=True, slots=True)
class FrameFormat:
    """What a source gives or a sink is given. Width and height in pixels, rate in frames/s.

    `live` sources cannot wait: a reader that is late loses frames. `frame_count` is None
    if the end is unknown (a camera, a stream). `begin` is where the source's time line begins, in
    seconds: a file's first picture may come later than that. None means with the first frame.
    `end` is where reading stops on that time line, before what the file holds has ended.
    """

    width: int
    height: int
    fps: float
    live: bool
    frame_count: int | None = None
    begin: float | None = None
    end: float | None = None


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture. `rgb` is read-only once made: a stage that changes it makes a new array.

    `captured` is time.monotonic() in seconds when the picture was taken; `timestamp` is its
    place on the source's own time line, in seconds. `duration` is for how long it is shown, in
    seconds; None means one frame at the source's rate. `deep` is the same picture at 16 bits, if
    it comes from a file that holds so many and nobody watches it live.
    """

    rgb: RGB
    index: int
    captured: float
    timestamp: float
    duration: float | None = None
    deep: RGB16 | None = None
