"""The shipped bases: what every new style starts from."""

from dataclasses import replace

import pytest

from models.card import load_card
from models.catalogue import SHIPPED, style_paths

pytest.importorskip("torch", reason="needs the train extra")

from models.generator.architecture import dense
from training.commands.new_style.recipe import BASES, make_recipe, starting_point, starts
from training.loop.checkpoint import fingerprint, load_checkpoint


@pytest.mark.parametrize("alpha", BASES)
def test_a_base_is_small_and_starts_the_default_architecture(alpha):
    assert BASES[alpha].stat().st_size < 1_000_000
    assert starts(dense(alpha), load_checkpoint(BASES[alpha]).architecture)


@pytest.mark.parametrize("alpha", BASES)
def test_every_shipped_style_of_its_width_descends_from_it(alpha):
    base = load_checkpoint(BASES[alpha])
    family = {fingerprint(base.average), base.recipe.family}
    cards = [load_card(path) for path in style_paths([SHIPPED]).values()]
    fitting = [card for card in cards if (card.architecture, card.alpha) == ("dense", alpha)]
    assert fitting
    for card in fitting:
        assert family & {card.training["base"], card.training.get("family")}, card.name


def test_a_recipe_tells_what_its_weights_descend_from():
    start = load_checkpoint(BASES[1.0])
    first = make_recipe(("a.jpg",), ("photos",), start, {})
    assert (first.base, first.family) == (fingerprint(start.average), start.recipe.family)
    second = make_recipe(("b.jpg",), ("photos",), replace(start, recipe=first), {})
    assert second.family == first.family
    stranger = start.recipe.model_copy(update={"base": "", "family": ""})
    assert make_recipe(("a.jpg",), ("photos",), replace(start, recipe=stranger), {}).family == (
        fingerprint(start.average)
    )


@pytest.mark.parametrize(
    "wanted, size, alpha, found",
    [
        (None, None, None, 1.0),
        (None, "dense", 0.5, 0.5),
        ("base", None, 0.5, 0.5),
        ("none", None, None, None),
        (None, None, 0.3, None),
        (None, "fast", 0.5, None),
    ],
)
def test_a_training_starts_from_the_base_that_fits(wanted, size, alpha, found):
    start = starting_point(wanted, {"model_size": size, "alpha": alpha})
    assert (start and start.architecture.alpha) == found


@pytest.mark.parametrize("alpha", BASES)
def test_training_goes_on_from_it(small_training, tmp_path, alpha):
    start = load_checkpoint(BASES[alpha]).average
    tuned = small_training(
        tmp_path, model_size="dense", alpha=alpha, options={}, num_images=2, lr=1e-9, start=start
    )
    stem = start["core.0.body.0.conv.weight"].float()
    assert (tuned.weights["core.0.body.0.conv.weight"] - stem).abs().max() < 1e-5
