import pytest

from models.architecture import fast
from models.parameters import parameter_count
from training.search import VARIANTS, pareto_front, recipe_of, timed


def test_every_variant_is_an_architecture_and_has_the_same_budget():
    recipes = {
        name: recipe_of(name, "marbling", "photographs", 1.7, 800, "vgg16") for name in VARIANTS
    }
    counts = {parameter_count(fast(**recipe.options)) for recipe in recipes.values()}
    assert len(counts) >= 6
    without = {r.model_copy(update={"options": {}}).model_dump_json() for r in recipes.values()}
    assert len(without) == 1


def test_every_one_is_timed_at_least_once_after_its_warm_up(monkeypatch):
    monkeypatch.setattr("training.search.SECONDS_PER_VARIANT", 0)
    times = timed({"dense": fast(0.25, block="dense"), "narrow": fast(0.25)})
    assert times.keys() == {"dense", "narrow"}
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
