import itertools

import pytest

pytest.importorskip("torch", reason="needs the train extra")

import torch

from training.commands.painting import job as jobs
from training.commands.painting.inputs import Inputs
from training.optimise.objective.features import PaintFeatures
from training.optimise.settings import PaintSettings


@pytest.fixture
def seconds(loss_network, style_picture, monkeypatch):
    """The estimate for a painting with these settings, where every iteration takes a second."""
    picture = torch.from_numpy(style_picture.copy()).permute(2, 0, 1)[None].float() / 255
    monkeypatch.setattr(jobs, "MEASURED_SIDE", 64)

    def needed(tile=None, **settings):
        inputs = Inputs(picture, [picture], None, None)
        features, given = PaintFeatures(loss_network, "max"), PaintSettings(**settings)
        job = jobs.plan_job(inputs, given, features, "vgg16", available=None, tile=tile)
        clock = itertools.count(0.0)
        monkeypatch.setattr(jobs.time, "perf_counter", lambda: next(clock))
        return jobs.seconds_needed(job)

    return needed


def test_the_time_is_that_of_an_iteration_for_the_pixels_of_all(seconds):
    assert seconds(size=64, initial_iterations=50) == pytest.approx(50)
    assert seconds(size=128, initial_iterations=50) == pytest.approx(200, rel=0.02)
    # 128 and 181 pixels and their margins of 4 and 6, then 256 without one
    areas = (136 / 64) ** 2 + 2 * (193 / 64) ** 2 + 2 * 16
    assert seconds(size=256, initial_iterations=1, iterations=2) == pytest.approx(areas, rel=0.02)
    enhanced = seconds(size=64, initial_iterations=50, iterations=10, enhance=True)
    assert enhanced == pytest.approx(50 * (68 / 64) ** 2 + 20, rel=0.04)


def test_parts_take_longer_by_what_they_see_twice(seconds):
    quick = {"size": 512, "initial_iterations": 1, "iterations": 1}
    whole = seconds(**quick)
    assert 1.4 * whole < seconds(tile=384, **quick) < seconds(tile=256, **quick)
    assert seconds(tile=1024, **quick) == pytest.approx(whole)


def test_the_time_of_parts_is_that_of_their_overlap_and_of_a_second_way_forward():
    # 96 pixels of 256 are a part's own: 6 in a row of 512, the last one of 32.
    seen = (96 + 80) + 3 * 256 + (80 + 96 + 32) + (80 + 32)
    assert jobs.times_longer((200, 512), 256, 80) == pytest.approx(4 / 3 * seen / 512)
    assert jobs.times_longer((200, 256), 256, 80) == 1
