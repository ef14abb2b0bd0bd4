import pytest

pytest.importorskip("torch", reason="needs the train extra")

import torch

from training.optimise.objective.distance import error_sums, normalised_error, variation_sum
from training.optimise.objective.features import noise_picture
from training.optimise.objective.gram import (
    LARGEST_LIFT,
    PALE,
    STEEPER,
    GramObjective,
    Weights,
    gram_sum,
    strength,
    style_grams,
    style_lift,
)
from training.optimise.scales import resized

LAYERS = {"relu1_1": 256.0, "relu2_1": 64.0, "relu4_1": 4.0}


@pytest.fixture
def objective(features):
    def make(content, style, **given):
        weights = Weights(0.015, 1.0, 2.0, {"relu3_3": 1.0}, LAYERS)
        grams = [style_grams(features, [(style, 1.0)], tuple(LAYERS))]
        return GramObjective(features, weights, content, grams, **given)

    return make


@pytest.mark.parametrize("size", [200, 1000])
def test_the_gradient_of_a_normalised_error_has_a_norm_of_about_one(size):
    random = torch.Generator().manual_seed(size)
    norms = []
    for scale in (1e-3, 1.0, 1e3):
        value = (torch.rand(size, generator=random) * scale).requires_grad_()
        loss = normalised_error(*error_sums(value, torch.zeros(size)))
        norms.append(float(torch.autograd.grad(loss, value)[0].abs().sum()))
    assert all(0.3 < norm < 2 for norm in norms)


@pytest.mark.parametrize("shape", [(96, 128), (75, 130)])
def test_the_style_in_parts_is_the_style_at_once(features, shape):
    picture = torch.rand(1, 3, *shape, generator=torch.Generator().manual_seed(1))
    styles = [(picture, 2.0), (picture.flip(3), 1.0)]
    whole = style_grams(features, styles, tuple(LAYERS))
    parts = style_grams(features, styles, tuple(LAYERS), tile=96)
    for layer, gram in whole.items():
        assert torch.allclose(parts[layer], gram, rtol=1e-4, atol=1e-6)


def test_variation_of_known_pictures():
    assert variation_sum(torch.full((1, 3, 5, 6), 0.4), 5, 6) == 0
    step = torch.zeros(1, 1, 4, 4)
    step[..., 2:] = 1
    # 4 straight pairs at 2/3, 3 + 3 diagonal ones at 1/6
    assert float(variation_sum(step, 4, 4)) == pytest.approx(4 * 2 / 3 + 6 / 6)


def test_a_gram_matrix_is_divided_by_the_positions(features, style):
    own = style_grams(features, [(style, 1.0)], ("relu1_1",))["relu1_1"]
    twice = style_grams(features, [(torch.cat([style, style], dim=3), 1.0)], ("relu1_1",))
    assert torch.allclose(own, twice["relu1_1"], rtol=0.05, atol=0.01)
    values = features(style, ("relu1_1",))["relu1_1"]
    assert torch.allclose(own, gram_sum(values) / values[0, 0].numel())


def test_shares_mix_the_gram_matrices(features, style, photo):
    layers = ("relu1_1",)
    one, other = (style_grams(features, [(x, 1.0)], layers)["relu1_1"] for x in (style, photo))
    mixed = style_grams(features, [(style, 3.0), (photo, 1.0)], layers)["relu1_1"]
    assert torch.allclose(mixed, one * 0.75 + other * 0.25, rtol=1e-4)


def test_the_content_term_is_nothing_at_the_content_and_the_style_term_at_the_style(
    objective, photo, style
):
    measured = objective(photo, style)
    terms, _ = measured(photo)
    assert terms["content"] < 1e-6
    assert terms["style"] > 1e-3
    terms, _ = objective(style, style)(style)
    assert terms["style"] < 1e-6


def test_the_paler_a_style_the_more_it_is_lifted_up_to_a_limit(features):
    layers = tuple(LAYERS)
    usual = PALE * strength(style_grams(features, [(noise_picture(), 1.0)], layers), LAYERS)
    assert style_lift(features, [(noise_picture(), 1.0)], LAYERS) == 1
    patches = resized(noise_picture(), (256, 256)).clamp(0, 1)
    lifts = []
    for contrast in (0.7, 0.6, 0.1):
        pale = 0.5 + contrast * (patches - 0.5)
        own = strength(style_grams(features, [(pale, 1.0)], layers), LAYERS)
        lifts.append(style_lift(features, [(pale, 1.0)], LAYERS))
        assert lifts[-1] == pytest.approx(
            min(max(1, usual / own) ** STEEPER, LARGEST_LIFT), rel=1e-3
        )
    assert 1 < lifts[0] < lifts[1] < lifts[2] == LARGEST_LIFT


def test_a_lift_multiplies_the_style_of_its_region(features, photo, style):
    weights = Weights(0.0, 1.0, 0.0, {"relu3_3": 1.0}, LAYERS)
    grams = [style_grams(features, [(style, 1.0)], tuple(LAYERS))]
    plain, lifted = (
        GramObjective(features, weights, photo, grams, lifts=lifts)(photo)[0]["style"]
        for lifts in ((), (2.5,))
    )
    assert lifted == pytest.approx(2.5 * plain, rel=1e-4)


def test_in_parts_terms_and_gradient_are_those_of_the_whole(objective, style):
    picture = torch.rand(1, 3, 150, 203, generator=torch.Generator().manual_seed(1))
    content = torch.rand(1, 3, 150, 203, generator=torch.Generator().manual_seed(2))
    regions = torch.zeros(1, 150, 203)
    regions[:, 20:, :90] = 1
    for given in ({}, {"regions": regions}):
        terms, gradient = objective(content, style, **given)(picture)
        parts = objective(content, style, tile=112, **given)
        assert len(parts.parts) > 2
        in_parts, other = parts(picture)
        assert in_parts == pytest.approx(terms, rel=1e-3)
        assert torch.allclose(other, gradient, rtol=1e-2, atol=1e-2 * float(gradient.abs().max()))
