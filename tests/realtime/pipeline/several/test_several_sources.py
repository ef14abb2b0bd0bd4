"""Several sources in one picture: which frames are shown, and what one that is lost costs."""

import threading
from itertools import count

import numpy as np
import pytest

from models.errors import SourceFault
from realtime.frames.size import Size
from realtime.pipeline.several.sources import NamedSource, SeveralSources
from realtime.sources import EndOfSource
from tests.realtime.fakes import FakeSource, frame_of, opened


class Stepped:
    """A source that gives a flat picture of the level whenever `step` was called."""

    def __init__(self, level: int, *, fps: float = 10.0, end: Exception | None = None) -> None:
        self._gate = threading.Semaphore(0)
        self.source = FakeSource(self._script(level, end), live=True)
        self.source.format = self.source.format.__class__(80, 60, fps, live=True)
        self.ending = False

    def _script(self, level: int, end: Exception | None):
        for index in count():
            yield lambda: self._gate.acquire(timeout=10)
            if self.ending:
                if end is not None:
                    yield end
                return
            yield frame_of(np.full((60, 80, 3), level, np.uint8), index)

    def step(self) -> None:
        self._gate.release()

    def stop(self) -> None:
        self.ending = True
        self.step()


def several(*sources: FakeSource, reconnect: float = 0.0, said=None, **options) -> SeveralSources:
    named = [NamedSource(f"cam {n}", source, reconnect) for n, source in enumerate(sources)]
    say = (lambda _: None) if said is None else said.append
    return SeveralSources(named, layout="side-by-side", on_message=say, **options)


def levels(source: SeveralSources) -> tuple[int, int]:
    """The levels at the top of the left and of the right half of the next picture."""
    rgb = source.read().rgb
    assert rgb.shape == (60, 160, 3)
    return int(rgb[8, 20, 0]), int(rgb[8, 140, 0])


def test_the_newest_of_each_is_shown_at_the_rate_of_the_fastest():
    first, second = Stepped(50, fps=30), Stepped(200)
    both = several(first.source, second.source)
    frames = both.open()
    assert (frames.width, frames.height, frames.fps, frames.live) == (160, 60, 30, True)
    try:
        second.step()
        first.step()
        assert levels(both)[0] == 50
        first.step()
        first_index = both.read().index
        second.step()  # alone, it has to wait for the faster one
        first.step()
        assert both.read().index == first_index + 1
        shown = (50, 0)
        while shown[1] != 200:  # its thread may be late
            first.step()
            shown = levels(both)
        assert shown == (50, 200)
    finally:
        for source in (first, second):
            source.stop()
        both.close()


def test_one_that_fails_gets_a_card_and_the_other_goes_on():
    said: list[str] = []
    first, second = Stepped(50), Stepped(200, end=SourceFault("unplugged"))
    both = several(first.source, second.source, said=said)
    both.open()
    try:
        second.step()
        shown = (0, 0)
        while shown[1] != 200:  # a card stands there until its first picture has come
            first.step()
            shown = levels(both)
        second.stop()
        while shown[1] == 200:
            first.step()
            shown = levels(both)
        assert shown[0] == 50
        assert shown[1] < 60  # the card, not the last face
        assert said == ["cam 1: unplugged; the other sources go on"]
    finally:
        first.stop()
        both.close()


def test_it_ends_with_the_last_of_them():
    first, second = Stepped(50), Stepped(200)
    both = several(first.source, second.source)
    both.open()
    first.step()
    assert levels(both)[0] == 50
    first.stop()
    second.stop()
    with pytest.raises(EndOfSource):
        for _ in range(5):
            both.read()
    both.close()
    assert first.source.closes and second.source.closes


def test_when_all_have_failed_the_reasons_are_told():
    sources = [Stepped(9, end=SourceFault(f"no {n}")) for n in range(2)]
    both = several(*(s.source for s in sources))
    both.open()
    for source in sources:
        source.stop()
    with pytest.raises(SourceFault, match="no 0; no 1"):
        for _ in range(5):
            both.read()
    both.close()


def test_a_size_that_is_asked_for_is_that_of_the_whole():
    both = several(FakeSource([]), FakeSource([]), size=Size(100, 40))
    assert both.open().width == 100
    both.close()


def test_one_that_cannot_be_opened_is_told_and_the_others_are_closed():
    good = FakeSource([])
    both = several(good, FakeSource([], open_faults=[SourceFault("not there")]))
    with pytest.raises(SourceFault, match="not there"):
        both.open()
    both.close()
    assert good.closes


def test_closing_ends_a_read_that_waits():
    first, second = Stepped(50), Stepped(200)
    both = several(first.source, second.source)
    both.open()
    done = threading.Event()

    def read() -> None:
        with pytest.raises(EndOfSource):
            both.read()
        done.set()

    thread = threading.Thread(target=read)
    thread.start()
    first.ending = second.ending = True
    both._closed.set()
    opened(done)
    thread.join()
    first.step()
    second.step()
    both.close()
