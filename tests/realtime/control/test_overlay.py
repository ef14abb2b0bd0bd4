"""Text on the picture: pure, in its place, readable on any background, at any size."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from realtime.control.overlay import (
    STATUS_SECONDS,
    Overlay,
    draw_help,
    draw_recording,
    draw_status,
    status_text,
)
from realtime.control.state import Settings

STATE = Settings(styles=("the-scream",), style="the-scream", strength=0.8)
DRAWINGS = [
    lambda rgb: draw_help(rgb, title="The Scream", strength=0.8),
    lambda rgb: draw_status(rgb, "The Scream  80 %"),
    draw_recording,
]


def plain(height: int, width: int, level: int) -> np.ndarray:
    rgb = np.full((height, width, 3), level, np.uint8)
    rgb.flags.writeable = False
    return rgb


@pytest.mark.parametrize("draw", DRAWINGS)
@pytest.mark.parametrize("level", [0, 128, 255])
@pytest.mark.parametrize(("height", "width"), [(240, 320), (1080, 1920), (1280, 720)])
def test_text_stands_out_from_what_is_around_it(draw, level, height, width):
    drawn = draw(plain(height, width, level))
    assert drawn.shape == (height, width, 3)
    assert drawn.dtype == np.uint8
    changed = np.any(drawn != level, axis=2)
    rows, columns = np.where(changed.any(axis=1))[0], np.where(changed.any(axis=0))[0]
    part = drawn[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    brightness = part.max(axis=2).astype(int)
    panel = np.median(brightness)
    assert panel < 110
    assert np.mean(brightness > panel + 100) > 0.01


@given(
    height=st.integers(32, 400),
    width=st.integers(32, 400),
    number=st.integers(0, 2),
    text=st.text(max_size=60),
)
@settings(max_examples=60, deadline=None)
def test_no_size_and_no_title_breaks_it(height, width, number, text):
    rgb = plain(height, width, 90)
    drawn = [
        draw_help(rgb, title=text, strength=0.5),
        draw_status(rgb, text),
        draw_recording(rgb),
    ][number]
    assert drawn.shape == rgb.shape
    assert not np.shares_memory(drawn, rgb)
    assert (rgb == 90).all()


def test_the_status_line_stays_in_the_lower_left_corner():
    drawn = draw_status(plain(480, 640, 200), "The Scream  80 %")
    assert (drawn[:400] == 200).all()
    assert (drawn[:, 400:] == 200).all()
    assert (drawn[420:, :300] != 200).any()


def test_a_long_title_is_cut_not_pushed_out_of_the_picture():
    drawn = draw_status(plain(240, 320, 200), "A very long title " * 10)
    assert (drawn[:, -4:] == 200).all()


def test_the_recording_dot_is_red_and_top_right():
    drawn = draw_recording(plain(480, 640, 128)).astype(int)
    red = (drawn[..., 0] > 200) & (drawn[..., 1] < 90) & (drawn[..., 2] < 90)
    rows, columns = np.where(red)
    assert len(rows) > 50
    assert rows.max() < 100
    assert columns.min() > 480


def test_the_status_says_what_is_not_ordinary():
    assert status_text("The Scream", STATE) == "The Scream  80 %"
    busy = Settings(styles=("a",), style="a", view="split", mirror=True, paused=True)
    assert status_text("A", busy) == "A  100 %  split  mirror  paused"


class Timed:
    """An overlay on a clock that the test sets."""

    def __init__(self) -> None:
        self.now = 0.0
        self.overlay = Overlay(STATE, {"the-scream": "The Scream"}, clock=lambda: self.now)

    def shows_text(self, state: Settings = STATE) -> bool:
        return bool(self.overlay.draw(plain(240, 320, 0), state).any())


def test_the_status_line_is_shown_at_the_start_then_no_text():
    timed = Timed()
    assert timed.shows_text()
    timed.now = STATUS_SECONDS
    assert not timed.shows_text()


@pytest.mark.parametrize("shown", [{"help": True}, {"recording": True}, {"paused": True}])
def test_help_recording_and_pause_are_shown_as_long_as_they_last(shown):
    timed = Timed()
    timed.now = 1000.0
    assert timed.shows_text(replace(STATE, **shown))


@pytest.mark.parametrize("change", [{"style": "two"}, {"strength": 0.5}, {"mirror": True}])
def test_a_change_shows_the_status_line_for_a_while(change):
    timed, changed = Timed(), replace(STATE, **change)
    timed.now = 1000.0
    timed.overlay.follow(STATE)
    assert not timed.shows_text()
    timed.overlay.follow(changed)
    assert timed.shows_text(changed)
    timed.now += STATUS_SECONDS
    timed.overlay.follow(changed)
    assert not timed.shows_text(changed)


def test_a_lost_source_is_told_on_the_picture():
    overlay = Overlay(STATE, {}, clock=lambda: 0.0)
    rgb = np.full((240, 320, 3), 128, np.uint8)
    lost = overlay.draw(rgb, STATE, 3.4)
    assert np.array_equal(lost, draw_status(rgb, "camera lost for 3 s, trying again"))


def test_what_went_wrong_is_told_on_the_picture():
    overlay = Overlay(STATE, {}, clock=lambda: 0.0)
    rgb = np.full((240, 320, 3), 128, np.uint8)
    told = overlay.draw(rgb, STATE, None, "x.mp4: no room")
    assert np.array_equal(told, draw_status(rgb, "x.mp4: no room"))
