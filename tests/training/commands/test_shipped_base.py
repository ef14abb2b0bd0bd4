"""The shipped base: what every new `fast` style starts from."""

import pytest

from models.card import load_card
from models.catalogue import SHIPPED, lighter_styles, style_paths

pytest.importorskip("torch", reason="needs the train extra")

from models.generator.architecture import fast
from training.commands.recipe_options import BASE
from training.loop.checkpoint import fingerprint, load_checkpoint


def test_the_base_is_small_and_of_the_default_architecture():
    assert BASE.stat().st_size < 1_000_000
    assert load_checkpoint(BASE).architecture == fast()


def test_every_shipped_fast_style_descends_from_it():
    base = fingerprint(load_checkpoint(BASE).average)
    paths = style_paths([SHIPPED])
    lighter = lighter_styles(paths)
    cards = [load_card(path) for name, path in paths.items() if name not in lighter]
    fast_ones = [card for card in cards if card.architecture == "fast"]
    assert len(fast_ones) >= 3
    for card in fast_ones:
        assert base in (card.training["base"], card.training.get("fingerprint")), card.name


def test_training_goes_on_from_it(small_training, tmp_path):
    start = load_checkpoint(BASE).average
    tuned = small_training(tmp_path, alpha=1.0, options={}, num_images=2, lr=1e-9, start=start)
    name = "core.0.conv.weight"
    assert (tuned.weights[name] - start[name]).abs().max() < 1e-5
