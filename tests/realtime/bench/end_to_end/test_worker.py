"""A style through the real pipeline in a child process, and what is made of its figures."""

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest

from models.card import StyleCard
from models.catalogue import SHIPPED, find_style
from models.default_style import DEFAULT_STYLE
from models.errors import StylecamError
from realtime.bench.baselines import RuntimeOptions
from realtime.bench.end_to_end.measure import measure_end_to_end, run_trial, to_result
from realtime.bench.end_to_end.worker import (
    PrerenderedSource,
    TrialConfig,
    TrialResult,
    prerender,
    run_pipeline,
)
from realtime.pipeline.capture import Limits
from realtime.pipeline.pipeline import Plan
from realtime.sinks.null import Null
from realtime.sources import EndOfSource
from tests.realtime.fakes import FakeBackend, FakeSource, make_frames

ORDER = TrialConfig("x.onnx", 96, 64, "null", 0.2, "onnx", "cpu", 1, None)


@pytest.fixture
def shipped() -> StyleCard:
    """A trained style: random weights may paint over the numbers in the pixels."""
    return find_style(DEFAULT_STYLE, [SHIPPED])


def test_overhead_is_the_time_a_frame_takes_beyond_the_generator_alone():
    outcome = TrialResult(20.0, 100, 40.0, 30.0, 30.0, 35.0, 0, 200.0, 210.0, 0.5)
    result = to_result("style", ORDER, outcome)
    assert result.overhead == pytest.approx(0.25)  # 25 ms a frame where 20 were needed
    assert (result.style, result.sink, result.fps, result.frames) == ("style", "null", 40.0, 100)
    assert (result.painted_width, result.painted_height) == (96, 64)


@pytest.mark.parametrize(("scale", "painted"), [(None, (640, 360)), (1.0, (1280, 720))])
def test_what_is_painted_is_what_a_live_run_paints_or_what_was_asked_for(scale, painted):
    assert replace(ORDER, width=1280, height=720, scale=scale).painted == painted


def test_a_trial_paints_as_a_live_run_would_though_nothing_paces_it(shipped: StyleCard):
    order = replace(ORDER, model=str(shipped.path), width=1280, height=720)
    frames = make_frames(2, height=720, width=1280)
    backend, source = FakeBackend(), FakeSource(frames, size=(1280, 720))
    plan = Plan(live=False, limits=Limits(frames=2))
    run_pipeline(order, lambda: backend, source, Null(), plan)
    assert backend.shapes == [(360, 640, 3)] * 2


def test_prerendered_frames_move_and_end():
    pictures = prerender(96, 64)
    assert pictures[0].shape == (64, 96, 3)
    assert not np.array_equal(pictures[0], pictures[1])
    steps = [
        np.abs(a.astype(int) - b).mean() for a, b in itertools.pairwise([*pictures, pictures[0]])
    ]
    assert min(steps) > 0 and max(steps) < 3 * min(steps)  # no jump, nor where they begin again
    source = PrerenderedSource(pictures, live=False, seconds=0.5)
    assert source.open().frame_count is None
    frames = []
    with pytest.raises(EndOfSource):
        while True:
            frames.append(source.read())
    assert [frame.index for frame in frames] == list(range(15))
    source.close()


def test_a_trial_goes_into_the_sinks_asked_for(shipped: StyleCard):
    runtime = RuntimeOptions(device="cpu", threads=1)
    (result,) = measure_end_to_end([shipped], [(240, 64)], runtime, seconds=0.3, sinks=["web"])
    assert result.sink == "web"
    assert 0 < result.latency_p50_ms < 1000


def test_every_sink_is_tried_and_its_figures_are_sound(shipped: StyleCard):
    runtime = RuntimeOptions(device="cpu", threads=1)
    results = measure_end_to_end([shipped], [(240, 64)], runtime, seconds=0.3)
    assert [result.sink for result in results] == ["null", "file"]
    for result in results:
        assert result.frames >= 8
        assert result.fps > 0
        assert 0 < result.latency_p50_ms <= result.latency_p95_ms
        assert result.unread < result.frames
        assert 0 < result.cpu_share <= 1.5
        assert math.isnan(result.memory_mb) or result.memory_peak_mb >= 20


def test_a_trial_that_fails_says_why_in_one_line(brush: StyleCard):
    order = replace(ORDER, model=str(brush.path))
    brush.path.write_bytes(b"broken")
    with pytest.raises(StylecamError, match=r"trial failed.*checksum") as caught:
        run_trial(order)
    assert "\n" not in str(caught.value)
