import pytest

pytest.importorskip("torch", reason="needs the train extra")

import torch

from training.optimise.objective.gram import Weights
from training.optimise.objective.remd import (
    RemdObjective,
    cosine_distances,
    default_layers,
    moment_distance,
    relaxed_emd,
    self_similarity_distance,
)

ROWS = torch.randn(40, 8, generator=torch.Generator().manual_seed(0))


def test_the_relaxed_distance_ignores_order_but_not_what_is_missing():
    shuffled = ROWS[torch.randperm(40, generator=torch.Generator().manual_seed(1))]
    assert float(relaxed_emd(cosine_distances(ROWS, shuffled))) == pytest.approx(0, abs=1e-6)
    # Every row of the half has its like, yet half of the rows are missing: the larger side tells.
    assert relaxed_emd(cosine_distances(ROWS[:20], ROWS)) > 0.05


def test_cosine_distances_of_known_rows():
    x = torch.tensor([[1.0, 0.0], [0.0, 2.0]])
    assert torch.allclose(cosine_distances(x, x), torch.tensor([[0.0, 1.0], [1.0, 0.0]]))


def test_moments_are_of_mean_and_covariance():
    assert float(moment_distance(ROWS, ROWS.flip(0))) == pytest.approx(0, abs=1e-6)
    assert float(moment_distance(ROWS, ROWS + 1)) == pytest.approx(1, rel=1e-4)
    assert moment_distance(ROWS, ROWS * 2) > 0.1


def test_self_similarity_does_not_see_a_turn_of_the_whole():
    turn, _ = torch.linalg.qr(torch.randn(8, 8, generator=torch.Generator().manual_seed(2)))
    assert float(self_similarity_distance(ROWS, ROWS @ turn)) == pytest.approx(0, abs=1e-4)
    assert self_similarity_distance(ROWS, ROWS.flip(0)) > 0.01


def test_depth_leaves_deep_blocks_out(features):
    assert set(default_layers(features.layers, 1)) == {"relu1_1", "relu1_2"}
    left_out = set(features.layers) - set(default_layers(features.layers))
    assert left_out == {"relu3_2", "relu4_1", "relu4_3"}


def test_its_terms_are_small_at_their_targets(features, photo, style):
    weights = Weights(0.015, 1.0, 0.0, {"relu3_3": 1.0}, default_layers(features.layers))
    measured = RemdObjective(features, weights, photo, [[(style, 1.0)]])
    at_photo, gradient = measured(photo)
    assert at_photo["content"] < 1e-4
    assert tuple(gradient.shape) == tuple(photo.shape)
    at_style, _ = RemdObjective(features, weights, style, [[(style, 1.0)]])(style)
    assert at_style["style"] < at_photo["style"] / 2


def test_terms_are_one_function_and_each_gradient_has_its_own_positions(features, photo, style):
    weights = Weights(0.015, 1.0, 0.0, {"relu3_3": 1.0}, {"relu1_1": 1.0})
    measured = RemdObjective(features, weights, style, [None])
    moved = style.flip(3)
    assert measured.terms(moved)["content"] == measured.terms(moved)["content"]
    assert measured(moved)[0]["content"] != measured(moved)[0]["content"]
