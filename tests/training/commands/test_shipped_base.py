"""The shipped base: what every new style starts from."""

import pytest

from models.card import load_card
from models.catalogue import SHIPPED, lighter_styles, style_paths

pytest.importorskip("torch", reason="needs the train extra")

from models.generator.architecture import dense
from training.commands.recipe_options import BASE
from training.loop.checkpoint import fingerprint, load_checkpoint


def test_the_base_is_small_and_of_the_default_architecture():
    assert BASE.stat().st_size < 1_000_000
    assert load_checkpoint(BASE).architecture == dense()


def test_every_shipped_style_of_full_width_descends_from_it():
    base = fingerprint(load_checkpoint(BASE).average)
    paths = style_paths([SHIPPED])
    lighter = lighter_styles(paths)
    cards = [load_card(path) for name, path in paths.items() if name not in lighter]
    wide = [card for card in cards if (card.architecture, card.alpha) == ("dense", 1.0)]
    assert len(wide) >= 3
    for card in wide:
        assert base in (card.training["base"], card.training.get("fingerprint")), card.name


def test_training_goes_on_from_it(small_training, tmp_path):
    start = load_checkpoint(BASE).average
    tuned = small_training(
        tmp_path, model_size="dense", alpha=1.0, options={}, num_images=2, lr=1e-9, start=start
    )
    name = "core.0.conv.weight"
    assert (tuned.weights[name] - start[name].float()).abs().max() < 1e-5
