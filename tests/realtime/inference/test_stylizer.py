"""What is painted, by which style, and what happens while styles come and go."""

import threading
from collections.abc import Callable
from dataclasses import replace
from itertools import count

import numpy as np
import pytest

from models.card import MINIMUM_SIDE
from models.errors import ModelError, StylecamError, UsageError
from models.exposure import normalised
from models.pictures import RGB
from realtime.control.state import Settings
from realtime.frames.frame import Frame
from realtime.frames.resize import resize
from realtime.frames.size import Size
from realtime.inference import stylizer as stylizer_module
from realtime.inference.stylizer import Stylizer
from realtime.sources.demo import Demo
from tests.realtime.fakes import BLUE, RED, FakeBackend, card_of, frame_of, red_blue, wait_until

STYLES = ("one", "two", "three")
ON_ONE = Settings(styles=STYLES, style="one")


def flat(value: int) -> Callable[[RGB], RGB]:
    return lambda rgb: np.full_like(rgb, value)


class Studio:
    """A stylizer with a fake backend for each style; `faults` collects what it reports."""

    def __init__(self, backends: dict[str, FakeBackend], **options) -> None:
        self.backends, self.faults, self.made = backends, [], []
        options.setdefault("keep", 2)
        self.stylizer = Stylizer(
            card_of, self._make, on_fault=lambda *fault: self.faults.append(fault), **options
        )

    def _make(self, threads: int | None) -> "Chooser":
        chooser = Chooser(self.backends)
        self.made.append(chooser)
        return chooser

    def shown(self, settings: Settings = ON_ONE, rgb: RGB | None = None) -> RGB:
        frame = frame_of(red_blue() if rgb is None else rgb)
        return self.stylizer.stylize(frame, settings).rgb

    def shows(self, value: int, settings: Settings) -> bool:
        return bool((self.shown(settings) == value).all())


class Chooser:
    """A backend that becomes the fake of whatever style it is asked to load."""

    def __init__(self, backends: dict[str, FakeBackend]) -> None:
        self._backends, self._own = backends, FakeBackend()

    def load(self, card):
        self._own = self._backends[card.name]
        return self._own.load(card)

    def __getattr__(self, name: str):
        return getattr(self._own, name)


def studio(**options) -> Studio:
    made = Studio({name: FakeBackend(flat(n)) for n, name in enumerate(STYLES, 1)}, **options)
    made.stylizer.load("one")
    return made


def on(style: str) -> Settings:
    return replace(ON_ONE, style=style)


def test_colours_keep_their_order():
    backend = FakeBackend(lambda rgb: rgb)
    made = Studio({"one": backend})
    made.stylizer.load("one")
    shown = made.shown()
    assert tuple(shown[30, 5]) == RED
    assert tuple(shown[30, 75]) == BLUE
    assert backend.shapes == [(60, 80, 3)]


def test_frames_keep_index_and_times():
    frame = frame_of(red_blue(), index=7)
    shown = studio().stylizer.stylize(frame, ON_ONE)
    assert (shown.index, shown.captured, shown.timestamp) == (7, frame.captured, frame.timestamp)


def test_strength_reaches_the_generator():
    made = studio()
    made.shown(replace(ON_ONE, strength=0.3))
    assert made.backends["one"].strengths == [0.3]


def test_the_generator_works_small_and_the_picture_is_full_size():
    made = studio(within=Size(320, 240))
    shown = made.shown(rgb=red_blue(480, 640))
    assert shown.shape == (480, 640, 3)
    assert made.backends["one"].shapes == [(240, 320, 3)]


def test_the_old_style_paints_until_the_new_is_loaded_and_warm():
    made = studio(scale=0.5)
    gate = threading.Event()
    made.backends["two"] = FakeBackend(flat(2), load_gate=gate)
    big = red_blue(200, 300)
    for _ in range(3):
        assert (made.shown(on("two"), big) == 1).all()
    assert made.stylizer.style == "one"
    assert made.backends["two"].loading.wait(10)
    assert made.backends["two"].warmed == []
    gate.set()
    wait_until(lambda: made.shown(on("two"), big).min() == 2)
    assert made.stylizer.style == "two"
    assert made.backends["two"].warmed == [(100, 150)]


def test_where_the_first_picture_is_no_slower_none_is_painted_beside_the_old_style():
    made = studio()
    made.backends["two"] = FakeBackend(flat(2), first_is_slow=False)
    wait_until(lambda: made.shows(2, on("two")))
    assert made.backends["two"].warmed == [(MINIMUM_SIDE, MINIMUM_SIDE)]


def test_a_style_that_cannot_be_loaded_is_told_once_and_the_others_go_on():
    made = studio()
    fault = ModelError("two.onnx: damaged")
    made.backends["two"] = FakeBackend(load_fault=fault)
    wait_until(lambda: made.shows(1, on("two")) and made.faults)
    for _ in range(3):
        assert made.shows(1, on("two"))
    assert made.faults == [("two", fault)]
    assert made.backends["two"].closes == 1, "what was half loaded is closed"
    wait_until(lambda: made.shows(3, on("three")))


def test_a_refused_style_that_is_mended_can_be_asked_for_again():
    made = studio()
    made.backends["two"] = FakeBackend(load_fault=ModelError("two.onnx: damaged"))
    wait_until(lambda: made.shows(1, on("two")) and made.faults)
    made.backends["two"] = FakeBackend(flat(2))
    made.shown(on("one"))
    wait_until(lambda: made.shows(2, on("two")))


def test_an_unexpected_failure_of_loading_is_told_in_one_line():
    made = studio()
    made.backends["two"] = FakeBackend(load_fault=RuntimeError("no kernel"))
    wait_until(lambda: made.shows(1, on("two")) and made.faults)
    [(style, error)] = made.faults
    assert style == "two"
    assert isinstance(error, StylecamError)
    assert "two" in str(error)
    assert "no kernel" in str(error)


def test_going_back_to_a_kept_style_loads_nothing():
    made = studio()
    wait_until(lambda: made.shows(2, on("two")))
    assert made.shows(1, on("one"))
    assert made.shows(2, on("two"))
    assert len(made.made) == 2


def test_the_styles_beyond_those_kept_are_closed():
    made = studio(keep=2)
    wait_until(lambda: made.shows(2, on("two")))
    wait_until(lambda: made.shows(3, on("three")))
    wait_until(lambda: [made.backends[name].closes for name in STYLES] == [1, 0, 0])
    wait_until(lambda: made.shows(1, on("two")) is False and made.shows(2, on("two")))


def test_the_new_style_paints_while_the_old_one_is_being_closed():
    made, gate = studio(keep=1), threading.Event()
    made.backends["one"]._close_gate = gate
    wait_until(lambda: made.shows(2, on("two")))
    for _ in range(3):
        assert made.shows(2, on("two"))
    assert made.backends["one"].closes == 0
    gate.set()
    made.stylizer.close()
    assert [made.backends[name].closes for name in ("one", "two")] == [1, 1]


@pytest.mark.parametrize("keep", [1, 2])
def test_a_style_not_wanted_any_more_when_it_comes_never_paints(keep: int):
    made = studio(keep=keep)
    gate = threading.Event()
    made.backends["two"] = late = FakeBackend(flat(2), load_gate=gate)
    assert made.shows(1, on("two"))
    assert late.loading.wait(10)
    made.shown(on("one"))
    gate.set()
    wait_until(lambda: late.warmed)
    for _ in range(20):
        assert made.shows(1, on("one"))
    assert made.backends["one"].closes == 0
    # The wish after next waits for the load in flight, then comes by itself.
    wait_until(lambda: made.shows(3, on("three")))
    assert late.shapes == []


def test_a_failing_generator_is_an_error_without_the_frame_and_it_recovers():
    working = threading.Event()

    def paint(rgb: RGB) -> RGB:
        if not working.is_set():
            raise RuntimeError("out of memory\nat 0x1234")
        return np.full_like(rgb, 9)

    made = Studio({"one": FakeBackend(paint)})
    made.stylizer.load("one")
    with pytest.raises(ModelError, match=r"^one: the generator failed: out of memory$"):
        made.shown()
    working.set()
    assert made.shows(9, ON_ONE)


def test_a_first_style_that_fails_raises_and_its_backend_is_closed():
    made = Studio({"one": FakeBackend(load_fault=UsageError("no such device"))})
    with pytest.raises(UsageError, match="no such device"):
        made.stylizer.load("one")
    assert made.backends["one"].closes == 1


def test_close_closes_every_style():
    made = studio()
    wait_until(lambda: made.shows(2, on("two")))
    made.stylizer.close()
    made.stylizer.close()
    assert [made.backends[name].closes for name in STYLES] == [1, 1, 0]


@pytest.mark.parametrize("patience", [0.0, 10.0])
def test_close_closes_a_style_that_is_still_loading(monkeypatch, patience: float):
    monkeypatch.setattr(stylizer_module, "LOAD_TIMEOUT", patience)
    made = studio()
    gate = threading.Event()
    made.backends["two"] = late = FakeBackend(flat(2), load_gate=gate)
    made.shown(on("two"))
    assert late.loading.wait(10)
    if patience:
        gate.set()
    made.stylizer.close()
    gate.set()
    wait_until(lambda: late.closes == 1)
    assert made.backends["one"].closes == 1


def test_a_lower_quality_paints_smaller_and_shows_the_same_size():
    studio = Studio({"one": FakeBackend(flat(7))}, scale=0.5)
    studio.stylizer.load("one")
    big = np.zeros((240, 320, 3), np.uint8)
    assert studio.shown(rgb=big).shape == big.shape
    studio.stylizer.extra_scale = 0.5
    assert studio.shown(rgb=big).shape == big.shape
    assert studio.backends["one"].shapes == [(120, 160, 3), (60, 80, 3)]


def test_a_lighter_generator_comes_and_goes_while_the_other_paints():
    cards = {name: card_of(name) for name in ("one", "one-light", "two")}
    cards["one"] = cards["one"].model_copy(update={"lighter": "one-light"})
    backends = {"one": FakeBackend(flat(1)), "two": FakeBackend(flat(2))}
    gate = threading.Event()
    backends["one-light"] = FakeBackend(flat(9), load_gate=gate)
    made = Studio(backends, keep=3)
    made.stylizer._find = cards.__getitem__
    made.stylizer.load("one")
    assert made.stylizer.has_lighter("one")
    assert not made.stylizer.has_lighter("two")
    made.stylizer.lighter = True
    for _ in range(3):
        assert made.shows(1, ON_ONE), "until the lighter one is loaded"
    assert made.stylizer.loading
    gate.set()
    wait_until(lambda: made.shows(9, ON_ONE))
    assert (made.stylizer.style, made.stylizer.generator) == ("one", "one-light")
    wait_until(lambda: made.shows(2, on("two")))
    wait_until(lambda: made.shows(9, ON_ONE))
    made.stylizer.lighter = False
    wait_until(lambda: made.shows(1, ON_ONE))
    assert made.stylizer.generator == "one"


def test_a_lighter_generator_that_is_missing_is_told_and_the_style_goes_on():
    made = Studio({"one": FakeBackend(flat(1))})

    def find(name):
        if name == "one":
            return card_of(name).model_copy(update={"lighter": "gone"})
        raise UsageError("unknown style 'gone'")

    made.stylizer._find = find
    made.stylizer.load("one")
    made.stylizer.lighter = True
    wait_until(lambda: made.shows(1, ON_ONE) and made.faults)
    for _ in range(3):
        assert made.shows(1, ON_ONE)
    assert [style for style, _ in made.faults] == ["gone"]


def test_another_number_of_threads_comes_and_goes_while_the_other_paints():
    usual, again = FakeBackend(flat(1), threads=4), FakeBackend(flat(3), threads=4)
    gate = threading.Event()
    few = FakeBackend(flat(1), threads=2, load_gate=gate)
    backends = {None: [usual, again], 2: [few]}
    stylizer = Stylizer(card_of, lambda threads: backends[threads].pop(0), keep=1)

    def shows(value: int) -> bool:
        return bool((stylizer.stylize(frame_of(red_blue()), ON_ONE).rgb == value).all())

    stylizer.load("one")
    assert stylizer.usual_threads == 4
    stylizer.threads = 2
    for _ in range(3):
        assert shows(1)
    assert stylizer.loading and usual.shapes and not few.shapes
    gate.set()
    wait_until(lambda: shows(1) and few.shapes)
    wait_until(lambda: usual.closes)
    assert (stylizer.style, stylizer.usual_threads) == ("one", 4)
    stylizer.threads = None
    wait_until(lambda: shows(3))
    wait_until(lambda: few.closes)


def lit_studio(paint: Callable[[RGB], RGB]) -> Studio:
    """Its style "one" expects pictures of normalised exposure, "two" does not."""
    made = Studio({"one": FakeBackend(paint), "two": FakeBackend(paint)}, keep=2)
    made.stylizer._find = lambda name: card_of(name).model_copy(update={"exposure": name == "one"})
    made.stylizer.load("two")
    made.stylizer.load("one")
    return made


def dark_room() -> RGB:
    return np.random.default_rng(0).integers(5, 60, (60, 80, 3), np.uint8)


def test_a_style_that_expects_normalised_exposure_sees_a_dark_room_lit_up():
    made = lit_studio(lambda rgb: rgb)
    assert np.abs(made.shown(rgb=dark_room()).astype(int) - normalised(dark_room())).max() <= 1
    assert np.array_equal(made.shown(on("two"), dark_room()), dark_room())


def test_strength_blends_with_the_frame_itself_not_the_lit_up_one():
    made = lit_studio(lambda rgb: np.full_like(rgb, 200))
    shown = made.shown(replace(ON_ONE, strength=0.4), dark_room())
    assert np.abs(shown - (0.6 * dark_room() + 0.4 * 200)).max() <= 1
    assert made.backends["one"].strengths == [1.0]


def test_a_frame_like_the_last_is_painted_anew_while_the_exposure_follows():
    made = lit_studio(lambda rgb: rgb)
    frame = frame_of(dark_room())
    assert made.stylizer.settled
    made.stylizer.stylize(frame, ON_ONE)
    assert made.stylizer.settled
    brighter = replace(frame, rgb=dark_room() + np.uint8(30), timestamp=frame.timestamp + 0.03)
    made.stylizer.stylize(brighter, ON_ONE)
    assert not made.stylizer.settled
    made.stylizer.stylize(replace(brighter, timestamp=brighter.timestamp + 5), ON_ONE)
    assert made.stylizer.settled


@pytest.mark.parametrize("smoothing", [0.0, 1.0])
def test_preparing_and_holding_at_the_painted_size_shows_the_same_picture(smoothing: float):
    whole = demo_frames(640, 360)
    shown = []
    for needs_frame in (True, False):
        backend = FakeBackend(lambda rgb: 255 - rgb, needs_frame=needs_frame)
        made = Studio({"one": backend}, scale=0.5)
        made.stylizer._find = lambda name: card_of(name).model_copy(
            update={"exposure": True, "grain": 0.03}
        )
        made.stylizer.load("one")
        settings = replace(ON_ONE, smoothing=smoothing)
        shown.append([made.stylizer.stylize(frame, settings).rgb for frame in whole])
        assert set(backend.shapes) == {(180, 320, 3)}
    for in_full, small in zip(*shown, strict=True):
        assert in_full.shape == small.shape == (360, 640, 3)
        off = np.abs(resize(in_full, 320, 180).astype(int) - resize(small, 320, 180))
        assert off.mean() < 2.5, "most of it since the fake itself enlarges softly"


def demo_frames(width: int, height: int, frames: int = 6) -> list[Frame]:
    demo = Demo(width=width, height=height, fps=30, paced=False)
    demo.open()
    return [demo.read() for _ in range(frames)]


def flickering() -> tuple[Studio, Callable[..., int]]:
    """A live studio whose styles paint every frame a level of 10 brighter; and what it shows of
    one and the same frame, 30 times a second."""
    levels, times = count(10, 10), count()
    paint = lambda rgb: np.full_like(rgb, next(levels))  # noqa: E731
    made = Studio({name: FakeBackend(paint) for name in STYLES}, keep=3)
    made.stylizer.load("two")
    made.stylizer.load("one")
    made.stylizer.warm_up(Size(80, 60), live=True)

    def shown(settings: Settings = ON_ONE, rgb: RGB | None = None) -> int:
        frame = frame_of(red_blue() if rgb is None else rgb)
        at = replace(frame, timestamp=next(times) / 30)
        return int(made.stylizer.stylize(at, settings).rgb[30, 40, 0])

    return made, shown


def test_live_a_still_picture_keeps_its_painting_and_is_renewed_slowly():
    _, shown = flickering()
    levels = [shown() for _ in range(4)]
    assert levels[0] < levels[-1] < levels[0] + 10


def test_without_smoothing_every_painting_is_shown():
    made, shown = flickering()
    off = replace(ON_ONE, smoothing=0.0)
    assert np.diff([shown(off) for _ in range(4)]).tolist() == [10, 10, 10]
    made.stylizer.warm_up(Size(80, 60), live=False)
    assert np.diff([shown() for _ in range(4)]).tolist() == [10, 10, 10]


def test_smoothing_is_there_for_files_too_where_it_is_asked_for():
    made, shown = flickering()
    made.stylizer.warm_up(Size(80, 60), live=False)
    levels = [shown(replace(ON_ONE, smoothing=1.0)) for _ in range(3)]
    assert levels[-1] < levels[0] + 10


def test_a_cut_another_style_and_another_size_are_shown_at_once():
    made, shown = flickering()
    before = [shown() for _ in range(5)][-1]
    assert shown(rgb=255 - red_blue()) >= before + 40, "a cut"
    shown()
    held = [shown() for _ in range(3)][-1]
    fresh = shown(on("two"))
    assert fresh > held + 20, "another style"
    made.stylizer.extra_scale = 0.9
    assert shown(on("two")) == fresh + 10, "another size"
    assert shown(on("two")) < fresh + 20, "and then it is held again"


def test_strength_blends_the_held_painting_with_the_frame():
    made, shown = flickering()
    half = replace(ON_ONE, strength=0.5)
    assert shown(half) == (BLUE[0] + 10) / 2
    assert shown(half) <= 6, "where the painting alone would be 20"
    assert set(made.backends["one"].strengths) == {1.0}


def test_a_style_that_hangs_does_not_block_a_later_choice(monkeypatch):
    monkeypatch.setattr(stylizer_module, "LOADING_UNWANTED", 0.02)
    made = studio()
    gate = threading.Event()
    hangs = FakeBackend(flat(2), load_gate=gate)
    made.backends["two"] = hangs
    made.backends["three"] = FakeBackend(flat(3))
    made.shown(on("two"))
    assert hangs.loading.wait(10)
    wait_until(lambda: made.shows(3, on("three")))
    assert not made.faults
    gate.set()
    wait_until(lambda: hangs.closes == 1)


def test_a_style_that_never_loads_is_given_up_aloud(monkeypatch):
    monkeypatch.setattr(stylizer_module, "LOADING", 0.02)
    made = studio()
    gate = threading.Event()
    made.backends["two"] = FakeBackend(flat(2), load_gate=gate)
    wait_until(lambda: made.shows(1, on("two")) and made.faults)
    assert "no end after" in str(made.faults)
    gate.set()
    made.stylizer.close()
