"""Memory over many frames: what samples come to, and a short run of the real thing."""

from dataclasses import replace

import pytest

from models.card import StyleCard
from models.errors import StylecamError
from realtime.bench.end_to_end.memory_soak import (
    EVERY,
    MemoryGrowth,
    MemorySampler,
    soak,
    summarise,
)
from realtime.bench.end_to_end.worker import TrialConfig
from realtime.frames.frame import FrameFormat
from tests.realtime.fakes import make_frames

ORDER = TrialConfig("x.onnx", 96, 64, "null", 0.0, "onnx", "cpu", 1, None)


def test_growth_is_of_what_comes_after_the_beginning():
    warming = [(1, 100.0), (500, 300.0)]
    steady = [(n, 300.0 + 2 * (n - 1000) / 1000) for n in range(1000, 5001, 100)]
    found = summarise([*warming, *steady], peak=350.0)
    assert (found.start, found.settled, found.end, found.peak) == (100, 300, 308, 350)
    assert (found.frames, found.settled_at) == (5000, 1000)
    assert found.slope == pytest.approx(2.0)
    assert "+2.00 MB per 1000 frames" in str(found)


def test_every_frame_is_counted_and_some_are_weighed():
    loads = iter(range(1000))
    scales = MemorySampler(lambda: float(next(loads)))
    scales.open(FrameFormat(80, 60, 30.0, live=False))
    for frame in make_frames(2 * EVERY):
        scales.write(frame)
    assert [frames for frames, _ in scales.samples] == [1, EVERY, EVERY + 1, 2 * EVERY]


def test_a_short_soak_tells_what_the_child_used(brush: StyleCard):
    found = soak(replace(ORDER, model=str(brush.path)), 4 * EVERY)
    assert isinstance(found, MemoryGrowth)
    assert found.frames == 4 * EVERY
    assert 20 < found.start <= found.peak + 1
    assert found.settled_at == 2 * EVERY


def test_a_soak_that_fails_says_why_in_one_line(brush: StyleCard):
    brush.path.write_bytes(b"broken")
    with pytest.raises(StylecamError, match=r"the soak failed.*checksum") as caught:
        soak(replace(ORDER, model=str(brush.path)), 200)
    assert "\n" not in str(caught.value)
