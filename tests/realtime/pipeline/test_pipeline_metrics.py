"""Rates and percentiles, with times that are given."""

import math

import numpy as np
import pytest

from realtime.pipeline.metrics import WINDOW, Metrics


def test_the_rate_counts_intervals_not_frames():
    times = iter([10.0, 10.5, 11.0, 12.0])
    metrics = Metrics(clock=lambda: next(times))
    for _ in range(4):
        metrics.count_painted()
    assert metrics.painted == 4
    assert metrics.fps == pytest.approx(3 / 2.0)


def test_there_is_no_rate_before_the_second_frame():
    metrics = Metrics(clock=lambda: 1.0)
    assert metrics.fps == 0
    metrics.count_painted()
    assert metrics.fps == 0


def test_percentiles_are_in_milliseconds():
    metrics = Metrics()
    for n in range(1, 102):
        metrics.add("stylize", n / 1000)
    spread = metrics.percentiles("stylize")
    assert spread.p50 == pytest.approx(51)
    assert spread.p95 == pytest.approx(96)


def test_stages_are_kept_apart_and_what_was_not_measured_is_nan():
    metrics = Metrics()
    metrics.add("stylize", 1.0)
    assert math.isnan(metrics.percentiles("latency").p50)
    assert metrics.percentiles("stylize").p50 == pytest.approx(1000)


def test_only_the_newest_times_count():
    metrics = Metrics()
    for seconds in [100.0] * 50 + [0.001] * WINDOW:
        metrics.add("latency", seconds)
    assert metrics.percentiles("latency").p95 == pytest.approx(1)
    assert not np.isnan(metrics.percentiles("latency").p50)


def test_the_line_says_the_figures():
    times = iter([0.0, 0.05])
    metrics = Metrics(clock=lambda: next(times))
    for _ in range(2):
        metrics.count_painted()
    metrics.add("stylize", 0.0123)
    metrics.add("latency", 0.045)
    assert metrics.line(dropped=3) == (
        "2 frames, 20.0 frames/s; generator 12.3 ms (p95 12.3), latency 45 ms (p95 45), 3 dropped"
    )


def test_the_line_says_how_many_frames_were_not_painted_again():
    metrics = Metrics()
    for _ in range(3):
        metrics.count_painted()
    metrics.count_unchanged()
    assert metrics.line(dropped=0).startswith("3 frames (1 unchanged, not painted again), ")


def test_the_line_of_a_run_without_a_frame_shows_no_nan():
    assert Metrics().line(dropped=0) == "0 frames, 0 dropped"
