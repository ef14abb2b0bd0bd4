import numpy as np

from realtime.frames.frame import Frame, FrameFormat
from realtime.sinks.null import Null


def test_it_counts_every_frame():
    sink = Null()
    sink.open(FrameFormat(4, 2, 30, live=False))
    for i in range(5):
        sink.write(Frame(np.zeros((2, 4, 3), np.uint8), i, 0.0, i / 30))
    sink.close()
    sink.close()
    assert sink.frames == 5
    assert not sink.live
