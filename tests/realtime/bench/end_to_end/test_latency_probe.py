"""Numbers in pixels: written, painted over, read back, and timed through the real pipeline."""

import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.catalogue import find_style
from models.errors import StylecamError
from models.pictures import RGB
from realtime.bench.end_to_end.latency_probe import (
    PERIOD,
    LatencyProbe,
    NumberedSource,
    draw_frame_number,
    read_frame_number,
)
from realtime.bench.end_to_end.worker import prerender
from realtime.control.state import Settings, SettingsStore
from realtime.frames.size import Size, painted_size
from realtime.inference.backends.registry import make_backend
from realtime.inference.stylizer import Stylizer
from realtime.pipeline.pipeline import Pipeline, Plan
from realtime.sinks.null import Null
from tests.realtime.fakes import FakeBackend, FakeSink, FakeSource, card_of, frame_of, wait_until

NOISE = np.random.default_rng(0).integers(0, 256, (64, 200, 3), np.uint8)


@settings(deadline=None)
@given(number=st.integers(0, 10 * PERIOD), gain=st.floats(-1, 1), offset=st.integers(0, 100))
def test_a_number_is_read_whatever_the_contrast_or_not_at_all(number, gain, offset):
    """Never wrongly: a dim or exchanged picture gives the number or None."""
    marked = draw_frame_number(NOISE, number)
    dimmed = np.clip(128 + gain * (marked.astype(float) - 128) + offset, 0, 255).astype(np.uint8)
    read = read_frame_number(dimmed)
    assert read in (None, number % PERIOD)
    if abs(gain) > 0.5:
        assert read == number % PERIOD


def test_a_picture_without_a_number_gives_none():
    assert read_frame_number(NOISE) is None
    assert read_frame_number(np.zeros((48, 48, 3), np.uint8)) is None
    assert not np.array_equal(draw_frame_number(NOISE, 5), NOISE)


@pytest.mark.parametrize("name", ["starry-night", "the-scream"])
@pytest.mark.parametrize("size", [Size(640, 480), Size(1280, 720)])
def test_shipped_styles_leave_it_readable_at_the_live_size(name: str, size: Size):
    backend = make_backend("onnx", "cpu", threads=1)
    backend.load(find_style(name))
    [picture, *_] = prerender(*size)
    for number in (0, 0b10101010, 0b1110111):
        painted = backend.stylize(draw_frame_number(picture, number), at=painted_size(size, None))
        assert read_frame_number(painted) == number


def test_a_style_that_paints_over_it_is_one_clear_line():
    source = NumberedSource(FakeSource([frame_of(NOISE)]))
    reader = LatencyProbe(Null(), source)
    source.open()
    reader.write(frame_of(np.zeros_like(source.read().rgb)))
    assert reader.unread == 1
    with pytest.raises(StylecamError, match=r"null: the style paints over the marks"):
        reader.spread_ms()


def test_it_times_the_frame_that_is_seen_not_the_one_that_is_claimed():
    source = NumberedSource(FakeSource([frame_of(NOISE, n) for n in range(3)]))
    reader = LatencyProbe(Null(), source)
    source.open()
    frames = [source.read() for _ in range(3)]
    source.captured[0] -= 60
    reader.write(frame_of(frames[0].rgb, index=2))
    assert reader.latencies[0] >= 60


class Steps:
    """A painting during which the source goes on by `steps` frames: slower than the source.

    `newest` is the number of the newest frame that was handed over when a painting began.
    """

    def __init__(self, steps: int, frames: int) -> None:
        self._steps, self._left = steps, frames
        self._allowed = threading.Semaphore(1)
        self.given = 0
        self.newest: dict[int, int] = {}

    def frames(self):
        for number in range(self._left):
            assert self._allowed.acquire(timeout=10)
            yield frame_of(NOISE, number)
            self.given = number + 1  # asked for the next one: this one was handed over

    def paint(self, rgb: RGB) -> RGB:
        number = read_frame_number(rgb)
        if number is not None:
            self.newest[number] = self.given - 1
            wanted = min(self._left, self.given + self._steps)
            for _ in range(self._steps):
                self._allowed.release()
            wait_until(lambda: self.given >= wanted)
        return 255 - rgb


@pytest.mark.parametrize("steps", [1, 3])
def test_where_painting_is_slower_the_newest_frames_are_shown_in_order(steps: int):
    pace = Steps(steps, 60)
    source = NumberedSource(FakeSource(pace.frames(), live=True, size=(200, 64)))
    sink = FakeSink(live=True)
    stylizer = Stylizer(card_of, lambda _: FakeBackend(pace.paint), keep=1)
    stylizer.load("one")
    box = SettingsStore(Settings(styles=("one",), style="one"))
    pipeline = Pipeline(source, stylizer, [sink], box, Plan(live=True))
    pipeline.start()
    pipeline.run()
    shown = [read_frame_number(frame.rgb) for frame in sink.frames]
    painted = list(pace.newest)
    assert painted == sorted(set(painted)), "in order, none painted twice"
    assert shown == [number for number in painted if number in shown], "and shown so"
    assert shown[-1] == 59, "the last one arrives"
    assert all(newest == number for number, newest in pace.newest.items()), "always the newest"
    assert [frame.index for frame in sink.frames] == shown
