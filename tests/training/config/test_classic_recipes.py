import re
from pathlib import Path

import pytest

from models.errors import UsageError
from training.config.classic_recipes import CLASSIC, classic_fields
from training.config.recipe import Recipe

DOCS = Path(__file__).parents[3] / "docs" / "training.md"


def test_a_row_is_taken_by_name_and_by_number_without_conversion():
    by_name = classic_fields("classic:the_scream")
    assert by_name == classic_fields("classic:4")
    weights = by_name["content_weight"], by_name["style_weight"], by_name["tv_weight"]
    assert weights == CLASSIC["the_scream"] == (1.0, 0.002, 0.00001)
    assert classic_fields("classic:poppy_field")["content_weight"] == 3.0


def test_classic_losses_are_absolute_and_weigh_all_layers_alike():
    recipe = Recipe(style="s", images="p", **classic_fields("classic"))
    assert recipe.loss_units == "absolute"
    assert set(recipe.weights_of_layers.values()) == {1.0}
    assert recipe.temporal_weight == 0


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("klassic", "did you mean 'classic'"),
        ("classic:starry_nite", "did you mean 'starry_night'"),
        ("classic:13", "there are 12 rows"),
        ("classic:0", "there are 12 rows"),
    ],
)
def test_an_unknown_recipe_or_row_is_named(name, message):
    with pytest.raises(UsageError, match=message):
        classic_fields(name)


def test_the_docs_have_every_row_as_it_is():
    rows = re.findall(r"^\| `(\w+)` \|([^|]*)\|([^|]*)\|([^|]*)\|$", DOCS.read_text(), re.M)
    table = {name: tuple(float(x) for x in weights) for name, *weights in rows if name in CLASSIC}
    assert table == CLASSIC
