"""A run that spares itself work: still scenes, and painting smaller to hold a rate."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest

from models.card import StyleCard
from models.errors import ModelError
from models.pictures import RGB
from realtime.frames.frame import Frame
from realtime.pipeline import capture
from realtime.pipeline.effort import ladder
from realtime.pipeline.pipeline import Plan
from tests.realtime.fakes import FakeBackend, FakeSink, FakeSource, card_of, frame_of, wait_until
from tests.realtime.pipeline.test_pipeline import Trial

SIZE = (160, 120)
SPARING = Plan(live=True, skip_static=True)


def flat(*values: int) -> list[Frame]:
    return [frame_of(np.full((120, 160, 3), v, np.uint8), n) for n, v in enumerate(values)]


def still(count: int) -> list[Frame]:
    return flat(*[40] * count)


def shown_by(sink: FakeSink, frame: Frame) -> Callable[[], object]:
    return lambda: wait_until(lambda: frame.index in sink.indices)


def one_by_one(frames: list[Frame], **options: object) -> Trial:
    """A live run that gives each frame only when the one before is at the sink."""
    sink = FakeSink(live=True)

    script = [item for frame in frames for item in (frame, shown_by(sink, frame))]
    options.setdefault("plan", SPARING)
    return Trial(FakeSource(script, size=SIZE), [sink], **options)  # type: ignore[arg-type]


def levels(trial: Trial) -> list[int]:
    """Of each frame once: at the end, and in silence, a live sink gets the last one again."""
    return list({frame.index: int(frame.rgb[0, 0, 0]) for frame in trial.sink.frames}.values())


def test_a_still_scene_is_painted_once_and_every_frame_is_shown():
    trial = one_by_one(still(6)).run()
    assert len(trial.backend.shapes) == 1
    assert levels(trial) == [255 - 40] * 6
    assert (trial.pipeline.metrics.painted, trial.pipeline.metrics.unchanged) == (6, 5)
    assert "5 unchanged" in trial.pipeline.report()


def test_a_scene_that_changes_is_painted_at_once():
    trial = one_by_one(flat(40, 40, 140, 140)).run()
    assert levels(trial) == [215, 215, 115, 115]
    assert len(trial.backend.shapes) == 2


@pytest.mark.parametrize("smoothing", [0.0, 0.7])
def test_a_still_scene_is_painted_on_until_its_exposure_has_settled(smoothing):
    trial = one_by_one(flat(40, *[60] * 60), smoothing=smoothing)
    trial.pipeline.stylizer._find = lambda name: card_of(name).model_copy(update={"exposure": True})
    trial.pipeline.stylizer.load("one")
    shown = levels(trial.run())
    assert shown[0] == pytest.approx(127, abs=1)
    assert shown[1] < 100
    assert shown[-1] == pytest.approx(127, abs=3)
    assert 10 < len(trial.backend.shapes) < 50


@pytest.mark.parametrize("plan", [Plan(live=True), Plan(live=False, skip_static=True)])
def test_every_frame_is_painted_offline_and_where_that_is_asked_for(plan):
    trial = (
        Trial(FakeSource(still(5), size=SIZE), plan=plan)
        if not plan.live
        else one_by_one(still(5), plan=plan)
    )
    assert len(trial.run().backend.shapes) == 5
    assert trial.pipeline.metrics.unchanged == 0


@pytest.mark.parametrize("verb", ["weaker", "split", "mirror", "next"])
def test_a_change_of_the_settings_repaints_a_still_scene(verb):
    sink, frames = FakeSink(live=True), iter(still(1000))

    def shown() -> Iterator[Frame | Callable[[], object]]:
        for number, frame in enumerate(frames, 1):
            yield frame
            yield shown_by(sink, frame)
            if number == 3:
                assert len(trial.backend.shapes) == 1
                yield trial.press(verb)
            if len(trial.backend.shapes) == 2:
                return
            if number > 3:
                yield lambda: time.sleep(0.001)  # the next style loads meanwhile

    trial = Trial(FakeSource(shown(), size=SIZE), [sink], SPARING)
    assert len(trial.run().backend.shapes) == 2


def test_the_original_is_never_held_back():
    assert levels(one_by_one(flat(100, 101, 100, 101), view="original").run()) == [
        100,
        101,
        100,
        101,
    ]


def test_what_failed_is_tried_again_though_the_scene_is_still():
    attempts = []

    def once_broken(rgb: RGB) -> RGB:
        attempts.append(rgb)
        if len(attempts) == 1:
            raise ModelError("out of memory")
        return 255 - rgb

    trial = one_by_one(still(3), backend=FakeBackend(once_broken)).run()
    assert levels(trial)[1:] == [215, 215]
    assert len(attempts) == 2


def test_too_slow_a_generator_paints_smaller_and_the_outputs_keep_their_size(monkeypatch):
    monkeypatch.setattr(ladder, "MINIMUM_INTERVAL", 0.0)
    plan = Plan(live=True, target_fps=1e6)  # no machine reaches it
    trial = one_by_one(still(60), plan=plan).run()
    heights = [shape[0] for shape in trial.backend.shapes]
    assert sorted(set(heights), reverse=True) == [120, 102, 84, 72, 60, 48]
    assert heights == sorted(heights, reverse=True)
    assert {frame.rgb.shape for frame in trial.sink.frames} == {(120, 160, 3)}
    assert trial.said[0] == "painting at 0.85 of the size, to hold 1e+06 frames/s"
    assert len(trial.said) == 6
    assert "cannot be reached on this machine" in trial.said[-1]
    assert trial.said[-1].endswith("at 0.4 of the size")


def test_a_lighter_generator_paints_where_the_style_has_one(monkeypatch):
    monkeypatch.setattr(ladder, "MINIMUM_INTERVAL", 0.0)
    frames = still(200)
    sink = FakeSink(live=True)
    made: list[str] = []

    def script() -> Iterator[Frame | Callable[[], object]]:
        for frame in frames:
            yield frame
            yield shown_by(sink, frame)
            if any("lighter" in line for line in trial.said):
                yield lambda: time.sleep(0.001)  # it loads meanwhile
            if "one-light" in made:
                return

    plan = Plan(live=True, target_fps=1e6)
    trial = Trial(FakeSource(script(), size=SIZE), [sink], plan)

    def find(name: str) -> StyleCard:
        made.append(name)
        lighter = "one-light" if name == "one" else None
        return card_of(name).model_copy(update={"lighter": lighter})

    monkeypatch.setattr(trial.pipeline.stylizer, "_find", find)
    trial.run()
    assert "one-light" in made
    told = next(line for line in trial.said if "lighter" in line)
    assert told == "painting at full size, lighter generator, to hold 1e+06 frames/s"


@pytest.mark.parametrize("limit", [{"target_fps": 1e6}, {"cpu_budget": 0.001}])
def test_offline_nothing_is_painted_smaller_and_this_is_said(limit):
    trial = Trial(FakeSource(still(40), size=SIZE), plan=Plan(live=False, **limit)).run()
    assert {shape[0] for shape in trial.backend.shapes} == {120}
    assert len(trial.sink.frames) == 40
    [line] = trial.said
    assert line.endswith("this run paints every frame in full")


class Page(FakeSink):
    """A sink that knows whether anybody looks."""

    has_viewers = False


def reads_at_rest(
    monkeypatch, plan: Plan, *, has_viewers: bool, verbs: tuple[str, ...] = ()
) -> bool:
    """Whether the run is held up after its first frame, until the page is looked at."""
    monkeypatch.setattr(capture, "IDLE_INTERVAL", 1000.0)
    monkeypatch.setattr(capture, "IDLE_POLL", 0.001)
    page = Page(live=plan.live)
    page.has_viewers = has_viewers
    source = FakeSource(still(5), size=SIZE)
    trial = Trial(source, [page], plan)
    for verb in verbs:
        trial.press(verb)()
    trial.pipeline.start()
    wait_until(lambda: source.closes or (source.reads and trial.pipeline._idle()))
    rested = not source.closes
    page.has_viewers = True
    trial.pipeline.box.apply(lambda s: replace(s, paused=False))
    trial.pipeline.run()
    assert source.reads == 6
    return rested


@pytest.mark.parametrize(
    ("has_viewers", "verbs", "may_idle"),
    [(False, (), True), (True, (), False), (True, ("pause",), True)],
)
def test_the_source_rests_where_nobody_looks_or_the_picture_is_paused(
    monkeypatch, has_viewers, verbs, may_idle
):
    plan = Plan(live=True, may_idle=True)
    assert reads_at_rest(monkeypatch, plan, has_viewers=has_viewers, verbs=verbs) == may_idle


@pytest.mark.parametrize("plan", [Plan(live=True), Plan(live=False, may_idle=True)])
def test_no_other_source_rests(monkeypatch, plan):
    assert not reads_at_rest(monkeypatch, plan, has_viewers=False)
