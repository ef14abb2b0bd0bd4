"""What every output shows while the source gives nothing: a card, the last picture or the demo."""

import threading
from dataclasses import replace

import numpy as np
import pytest

from realtime.control.state import Settings, SettingsStore
from realtime.frames.views import placeholder
from realtime.inference.stylizer import Stylizer
from realtime.pipeline import pipeline as pipeline_module
from realtime.pipeline.pipeline import Pipeline, Plan
from realtime.pipeline.watch import source_watch
from realtime.pipeline.watch.lost_picture import LOST_TEXT
from tests.realtime.fakes import (
    FakeBackend,
    FakeSink,
    FakeSource,
    card_of,
    make_frames,
    opened,
    wait_until,
)

CARD = placeholder(60, 80, LOST_TEXT)
SETTINGS = Settings(styles=("one",), style="one", smoothing=0.0)


class Outage:
    """A live run of one frame, then silence until `end`, then another frame."""

    def __init__(
        self, monkeypatch, mode: str, settings: Settings = SETTINGS, **plan: object
    ) -> None:
        monkeypatch.setattr(pipeline_module, "SILENCE", 0.01)
        monkeypatch.setattr(source_watch, "PATIENCE", 0.05)
        monkeypatch.setattr(source_watch, "FRAMES_MISSED", 0)
        self.live, self.file = FakeSink("live", live=True), FakeSink("file")
        self.end = threading.Event()
        first, last = make_frames(2)
        last = replace(last, timestamp=50.0)
        source = FakeSource([first, lambda: opened(self.end), last], live=True)
        stylizer = Stylizer(card_of, lambda _: FakeBackend(), keep=2)
        stylizer.load("one")
        self.pipeline = Pipeline(
            source,
            stylizer,
            [self.live, self.file],
            SettingsStore(settings),
            Plan(True, lost=mode, **plan),
        )
        self.pipeline.start()
        self.running = threading.Thread(target=self.pipeline.run)
        self.running.start()

    def over(self) -> None:
        self.end.set()
        self.running.join(10)
        assert not self.running.is_alive()
        assert (self.file.frames[-1].rgb == 254).all()


def is_card(frame) -> bool:
    return np.array_equal(frame.rgb, CARD)


def test_a_card_instead_of_the_last_picture_in_recordings_too(monkeypatch):
    outage = Outage(monkeypatch, "card")
    for sink in (outage.live, outage.file):
        wait_until(lambda sink=sink: sum(map(is_card, sink.frames)) > 3)
    outage.over()
    times = [frame.timestamp for frame in outage.file.frames]
    assert times == sorted(times)
    assert (outage.file.frames[0].rgb == 255).all()
    assert sum(map(is_card, outage.file.frames)) == len(times) - 2


def test_hold_keeps_the_last_picture_and_recordings_get_nothing(monkeypatch):
    outage = Outage(monkeypatch, "hold")
    wait_until(lambda: outage.pipeline.lost_for is not None)
    shown = len(outage.live.frames)
    wait_until(lambda: len(outage.live.frames) > shown + 3)
    outage.over()
    assert not any(map(is_card, outage.live.frames))
    assert outage.file.indices == [0, 1]


def test_the_demo_moves_is_painted_and_ends_with_the_outage(monkeypatch):
    outage = Outage(monkeypatch, "demo")
    wait_until(lambda: len({frame.rgb.tobytes() for frame in outage.live.frames}) > 4)
    outage.over()
    assert not any(map(is_card, outage.live.frames))
    assert len(outage.live.frames[1].rgb.reshape(-1, 3)) == 60 * 80


@pytest.mark.parametrize("held", ["paused", "frozen"])
def test_a_picture_that_the_user_holds_stays(monkeypatch, held):
    outage = Outage(monkeypatch, "card", replace(SETTINGS, **{held: True}))
    wait_until(lambda: outage.pipeline.lost_for is not None)
    shown = len(outage.live.frames)
    wait_until(lambda: len(outage.live.frames) > shown + 3)
    outage.end.set()
    outage.running.join(10)
    assert not any(map(is_card, outage.live.frames))


@pytest.mark.parametrize("width", [64, 320, 1280])
def test_the_card_can_be_read_at_every_size(width):
    card = placeholder(width * 3 // 4, width, LOST_TEXT)
    columns = np.flatnonzero((card > 60).any(axis=(0, 2)))
    assert width * 0.5 < columns[-1] - columns[0] < width * 0.9


def test_the_card_is_never_mirrored_though_the_own_view_is(monkeypatch):
    outage = Outage(
        monkeypatch, "card", replace(SETTINGS, mirror_own=True), local=frozenset({"live"})
    )
    wait_until(lambda: outage.pipeline.lost_for is not None)
    shown = len(outage.live.frames)
    wait_until(lambda: len(outage.live.frames) > shown + 3)
    last = outage.live.frames[-1].rgb
    outage.over()
    assert np.array_equal(last[20:40], CARD[20:40]), "above the status line"
