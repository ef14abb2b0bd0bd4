from functools import partial

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the train extra")

from training.data.tensors import to_square, to_tensor
from training.evaluation import metrics as ev
from training.evaluation.baseline import baseline


@pytest.fixture(autouse=True)
def small_squares(monkeypatch):
    monkeypatch.setattr("training.evaluation.baseline.to_square", partial(to_square, side=64))


@pytest.fixture
def target(loss_network, style_picture):
    return ev.style_target_of(loss_network, [style_picture])


def inverted(picture):
    return 255 - picture


def test_optimisation_betters_the_style_at_the_content_distance_of_the_model(
    loss_network, photographs, target
):
    told = []
    reached = baseline(
        inverted,
        photographs.training[:2],
        loss_network,
        target,
        iterations=40,
        on_iteration=lambda done, total: told.append((done, total)),
    )
    assert reached.photographs == 2
    assert reached.style < reached.model_style
    assert reached.ratio == pytest.approx(reached.model_style / reached.style)
    assert reached.content <= reached.model_content * 1.03
    assert 0 < reached.matched_after < 40
    assert told == [(i + 1, 80) for i in range(80)]


def test_the_models_own_figures_are_those_of_the_report(loss_network, photographs, target):
    reached = baseline(inverted, photographs.training[:2], loss_network, target, iterations=1)
    squares = [to_square(photo, 64) for photo in photographs.training[:2]]
    pairs = [(to_tensor(x[None]), to_tensor(inverted(x)[None])) for x in squares]
    expected = np.mean([ev.distance(loss_network, target, *pair) for pair in pairs], axis=0)
    own = (reached.model_style, reached.model_content, reached.model_total_variation)
    assert own == pytest.approx(tuple(expected[:3]))


def test_a_model_that_cannot_be_matched_is_never_matched(loss_network, photographs):
    photo = photographs.training[0]
    target = ev.style_target_of(loss_network, [to_square(photo, 64)])
    perfect = baseline(lambda x: x, [photo], loss_network, target, iterations=3)
    assert perfect.content <= 0.011
    assert perfect.style == pytest.approx(0, abs=1e-4)


def test_json_has_the_ratio(loss_network, photographs, target):
    reached = baseline(inverted, photographs.training[:1], loss_network, target, iterations=2)
    assert reached.as_dict()["ratio"] == pytest.approx(reached.ratio)
    assert reached.as_dict()["iterations"] == 2
