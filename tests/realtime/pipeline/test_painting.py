"""What the painter makes of one frame: mirror, view, size, pause, and a generator that fails."""

from dataclasses import replace

import numpy as np
import pytest

from models.errors import ModelError
from models.pictures import RGB
from realtime.control.state import Settings
from realtime.frames.geometry import Geometry
from realtime.frames.size import Size
from realtime.frames.views import DIVIDER, blank_picture, placeholder
from realtime.inference.stylizer import Stylizer
from realtime.pipeline.metrics import Metrics
from realtime.pipeline.painting import CrossFade, Painter
from tests.realtime.fakes import FakeBackend, card_of, frame_of, red_blue

PLAIN = Settings(styles=("one",), style="one")
SIZE = Size(80, 60)


class Easel:
    """A painter with a fake generator. `said` is what the user was told."""

    def __init__(self, backend: FakeBackend | None = None, size: Size = SIZE, **options) -> None:
        self.backend, self.said = backend or FakeBackend(), []
        stylizer = Stylizer(card_of, lambda _: self.backend, keep=2)
        stylizer.load("one")
        options = {"live": True, "on_message": self.said.append} | options
        self.painter = Painter(stylizer, Geometry(size), Metrics(), **options)

    def shown(self, settings: Settings = PLAIN, rgb: RGB | None = None) -> RGB:
        return self.painter.paint(frame_of(red_blue() if rgb is None else rgb), settings).rgb


def test_frames_keep_index_and_times():
    frame = frame_of(red_blue(), index=7)
    shown = Easel().painter.paint(frame, PLAIN)
    assert (shown.index, shown.captured, shown.timestamp) == (7, frame.captured, frame.timestamp)


@pytest.mark.parametrize("plain", [{"view": "original"}, {"strength": 0.0}])
def test_the_original_is_not_painted_at_all(plain):
    easel = Easel()
    assert np.array_equal(easel.shown(replace(PLAIN, **plain)), red_blue())
    assert easel.backend.shapes == []


def test_mirror_turns_the_picture_and_the_source_stays():
    source = red_blue()
    shown = Easel().shown(replace(PLAIN, view="original", mirror=True), source)
    assert np.array_equal(shown, source[:, ::-1])
    assert np.array_equal(source, red_blue())


@pytest.mark.parametrize("mirror", [False, True])
def test_split_shows_the_source_left_and_the_painting_right(mirror: bool):
    source = np.random.default_rng(0).integers(0, 256, (60, 80, 3), np.uint8)
    shown = Easel().shown(replace(PLAIN, view="split", mirror=mirror), source)
    seen = source[:, ::-1] if mirror else source
    half = DIVIDER // 2
    assert np.array_equal(shown[:, : 40 - half], seen[:, : 40 - half])
    assert np.array_equal(shown[:, 40 + half :], 255 - seen[:, 40 + half :])


def test_bars_are_added_after_painting_also_to_the_split_view():
    easel = Easel(size=Size(80, 80))
    shown = easel.shown(replace(PLAIN, view="split"))
    assert easel.backend.shapes == [(60, 80, 3)]
    assert shown.shape == (80, 80, 3)
    assert not shown[:10].any() and not shown[-10:].any()


def test_while_paused_the_last_picture_stays_and_time_goes_on():
    easel = Easel()
    first = easel.shown()
    black = frame_of(np.zeros((60, 80, 3), np.uint8), 1)
    later = easel.painter.paint(black, replace(PLAIN, paused=True))
    assert later.rgb is first
    assert later.index == 1


def test_the_last_picture_can_be_had_again_as_of_now():
    easel = Easel()
    assert easel.painter.repeat(PLAIN) is None
    frame = easel.painter.paint(frame_of(red_blue(), 3), PLAIN)
    again = easel.painter.repeat(PLAIN)
    assert again.rgb is frame.rgb
    assert again.index == 3
    assert again.captured >= frame.captured


def test_blank_shows_nothing_of_the_camera_whatever_else_is_asked_for():
    easel = Easel()
    easel.shown()
    for more in ({}, {"paused": True}, {"view": "original"}, {"frozen": True}):
        settings = replace(PLAIN, blank=True, **more)
        assert np.array_equal(easel.shown(settings), blank_picture(60, 80))
        again = easel.painter.repeat(settings)
        assert np.array_equal(again.rgb, blank_picture(60, 80))
    assert np.array_equal(easel.shown(), 255 - red_blue())


def test_frozen_the_cameras_picture_stays_but_can_be_painted_otherwise():
    easel = Easel()
    easel.shown(replace(PLAIN, frozen=True))
    other = np.full((60, 80, 3), 77, np.uint8)
    assert np.array_equal(easel.shown(replace(PLAIN, frozen=True), other), 255 - red_blue())
    original = replace(PLAIN, frozen=True, view="original")
    assert np.array_equal(easel.shown(original, other), red_blue())
    assert np.array_equal(easel.shown(rgb=other), 255 - other)


def test_preserved_colours_are_the_cameras_with_the_light_of_the_painting():
    easel = Easel(FakeBackend(lambda rgb: np.full_like(rgb, 120)))
    rgb = np.empty((60, 80, 3), np.uint8)
    rgb[:] = (180, 90, 90)
    shown = easel.shown(replace(PLAIN, preserve_colours=True), rgb)
    red, green, blue = shown.reshape(-1, 3).mean(0)
    assert abs(0.299 * red + 0.587 * green + 0.114 * blue - 120) < 2
    assert red - green > 80
    assert abs(green - blue) < 3


def test_the_scale_sets_the_painted_size_and_not_the_shown_one():
    easel = Easel(size=Size(160, 120))
    big = red_blue(120, 160)
    assert easel.shown(PLAIN, big).shape == (120, 160, 3)
    assert easel.shown(replace(PLAIN, scale=0.5), big).shape == (120, 160, 3)
    assert easel.backend.shapes == [(120, 160, 3), (60, 80, 3)]


def test_a_change_of_any_of_these_is_painted_even_if_the_scene_is_still():
    easel = Easel(skip_static=True)
    easel.shown()
    seen = [easel.shown()]
    for change in ({"enhance": 1.0}, {"zoom": 2.0}, {"rotation": 90}, {"preserve_colours": True}):
        before = len(easel.backend.shapes)
        seen.append(easel.shown(replace(PLAIN, **change)))
        assert len(easel.backend.shapes) == before + 1, change
    assert len({picture.tobytes() for picture in seen[2:]}) == 3


def broken(rgb: RGB) -> RGB:
    raise RuntimeError("out of memory")


def test_live_a_generator_that_fails_is_told_once_and_never_lets_the_raw_picture_out():
    easel = Easel(FakeBackend(broken))
    for view in ("styled", "split"):
        assert np.array_equal(easel.shown(replace(PLAIN, view=view)), placeholder(60, 80))
    assert len(easel.said) == 1


def test_offline_a_generator_that_fails_is_an_error():
    with pytest.raises(ModelError, match="out of memory"):
        Easel(FakeBackend(broken), live=False).shown()


def faded(style: str, now: float, fade: CrossFade, level: int) -> int:
    """The grey level that is shown for a painting of one grey level."""
    rgb = np.full((6, 8, 3), level, np.uint8)
    return int(fade.apply(rgb, style, now)[0, 0, 0])


def test_a_change_of_style_shows_the_new_over_the_old_for_a_while():
    fade = CrossFade(0.3)
    shown = [
        faded(style, now, fade, level)
        for style, now, level in (
            ("one", 0.0, 0),
            ("two", 1.0, 200),
            ("two", 1.1, 200),
            ("two", 1.2, 200),
            ("two", 1.3, 200),
        )
    ]
    assert shown == [0, 20, 80, 140, 200]


def test_a_second_change_during_a_fade_begins_with_what_is_shown():
    fade = CrossFade(0.3)
    for style, now, level in (("one", 0.0, 0), ("two", 1.0, 200), ("two", 1.1, 200)):
        shown = faded(style, now, fade, level)
    assert shown == 80
    assert faded("three", 1.15, fade, 80) == 80


def test_other_sizes_and_the_original_do_not_fade():
    fade = CrossFade(0.3)
    faded("one", 0.0, fade, 0)
    fade.forget()
    assert faded("two", 0.1, fade, 200) == 200
    assert fade.apply(np.zeros((4, 4, 3), np.uint8), "three", 0.2).max() == 0


def test_the_painter_fades_from_one_style_into_the_next():
    levels = {"one": 0, "two": 200}
    made: list[str] = []

    class Flat(FakeBackend):
        def load(self, card):
            made.append(card.name)
            level = levels[card.name]
            self._paint = lambda rgb: np.full_like(rgb, level)
            return super().load(card)

    stylizer = Stylizer(card_of, lambda _: Flat(), keep=2)
    stylizer.load("two")
    stylizer.load("one")
    stylizer.warm_up(SIZE, live=True)
    painter = Painter(stylizer, Geometry(SIZE), Metrics(), live=True, fade=10.0)
    settings = replace(PLAIN, styles=("one", "two"), smoothing=0.0)
    begin = frame_of(red_blue())
    assert painter.paint(begin, settings).rgb.max() == 0
    second = replace(settings, style="two")
    shown = [
        painter.paint(replace(begin, captured=begin.captured + after), second).rgb.mean()
        for after in (1, 6, 12)
    ]
    assert shown == [pytest.approx(level, abs=1) for level in (20, 110, 200)]
