import pytest

from models.generator.architecture import fast, johnson
from models.generator.parameters import parameter_count
from training.experiments.architecture_search import (
    VARIANTS,
    measure_ms,
    pareto_front,
    variant_recipe,
)


def test_every_variant_is_an_architecture_and_has_the_same_budget():
    recipes = {
        name: variant_recipe(name, "marbling", "photographs", 1.7, 800, "vgg16")
        for name in VARIANTS
    }
    architectures = [recipe.architecture for recipe in recipes.values()]
    assert len({parameter_count(x) for x in architectures}) >= 6
    budgets = [
        recipe.model_dump(exclude={"options", "alpha", "model_size"}) for recipe in recipes.values()
    ]
    assert all(budget == budgets[0] for budget in budgets)


def test_every_one_is_timed_at_least_once_after_its_warm_up(monkeypatch):
    monkeypatch.setattr("training.experiments.architecture_search.SECONDS_PER_VARIANT", 0)
    times = measure_ms({"johnson": johnson(0.25), "narrow": fast(0.25)})
    assert times.keys() == {"johnson", "narrow"}
    assert min(times.values()) > 0


@pytest.mark.parametrize(
    ("points", "front"),
    [
        ([(1, 5), (2, 3), (3, 4), (4, 1)], [(1, 5), (2, 3), (4, 1)]),
        ([(2, 2)], [(2, 2)]),
        ([(1, 1), (1, 2)], [(1, 1)]),
    ],
)
def test_the_front_is_what_nothing_beats_in_both(points, front):
    assert pareto_front(points) == front
