from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from training.config.recipe import Recipe


def recipe(**changes):
    return Recipe(**({"style": "s", "images": "photos"} | changes))


@given(num_images=st.integers(1, 10**6), batch_size=st.integers(1, 64))
def test_every_image_is_in_some_step(num_images, batch_size):
    r = recipe(num_images=num_images, batch_size=batch_size)
    assert (r.steps - 1) * batch_size < num_images <= r.steps * batch_size


def test_the_rate_warms_up_stays_and_falls():
    r = recipe(num_images=8000, batch_size=8, lr=1e-3, warmup_steps=50, tail=0.5)
    rates = [r.learning_rate(step) for step in range(r.steps)]
    assert rates[0] == pytest.approx(2e-5)
    assert rates[50:500] == [1e-3] * 450
    assert all(a > b for a, b in pairwise(rates[501:]))
    assert rates[-1] < 3e-5


def test_the_classic_rate_has_a_tenth_in_its_last_twelfth():
    r = recipe(num_images=8000, batch_size=8, lr=1e-3, schedule="tail", warmup_steps=0)
    rates = [r.learning_rate(step) for step in range(r.steps)]
    assert rates[:920] == [1e-3] * 920
    assert rates[920:] == pytest.approx([1e-4] * 80)


@given(
    schedule=st.sampled_from(["linear", "tail"]),
    tail=st.floats(0, 1),
    steps=st.integers(1, 500),
    end=st.integers(1, 500),
)
def test_the_rate_is_never_zero_nor_above_its_plateau(schedule, tail, steps, end):
    r = recipe(schedule=schedule, tail=tail, num_images=steps, batch_size=1, lr=1.0)
    rates = [r.learning_rate(step, end=end) for step in range(max(steps, end))]
    assert all(0 < rate <= 1 for rate in rates)


def test_each_schedule_has_its_own_tail_unless_one_is_given():
    assert (recipe().tail, recipe(schedule="tail").tail) == (0.5, 0.08)
    assert recipe(schedule="tail", tail=0.3).tail == 0.3


@pytest.mark.parametrize("size", [(96, 96), [96, 96], 96])
def test_one_side_means_a_square(size):
    assert recipe(image_size=size).image_size == (96, 96)


def test_the_style_picture_is_cropped_only_where_the_crops_are_not_square():
    assert recipe(image_size=(96, 96)).style_fit == recipe().style_fit == "whole"
    assert recipe(image_size=(96, 128)).style_fit == "crop"
    assert recipe(image_size=(96, 128), style_fit="pad").style_fit == "pad"


@pytest.mark.parametrize("images", ["photos", Path("photos"), ["photos"], (Path("photos"),)])
def test_one_source_of_photographs_or_several(images):
    assert recipe(images=images).images == ("photos",)
    assert recipe(images=["a", Path("b")]).images == ("a", "b")


def test_what_is_stored_is_read_back_alike():
    r = recipe(images=("a", "b"), image_size=(64, 96), style_scale=1.7, schedule="tail")
    assert Recipe.model_validate_json(r.model_dump_json()) == r


def test_recipes_of_before_are_read_by_their_meaning():
    older = recipe(crop=96, style_size=896, decay_from=0.7)
    assert (older.image_size, older.style_scale, older.tail) == ((96, 96), 2.0, 0.3)
    assert recipe(crop=192, style_size=448, decay_from=0.5) == recipe()


@pytest.mark.parametrize(
    "change",
    [
        {"alpha": 0},
        {"image_size": 8},
        {"image_size": (64, 8)},
        {"image_size": (64, 64, 64)},
        {"style_scale": 0},
        {"style_fit": "letterbox"},
        {"tail": 1.1},
        {"schedule": "cosine"},
        {"tv_weight": -1},
        {"typo": 1},
        {"layer_weights": (1.0, 2.0)},
        {"images": ()},
    ],
)
def test_impossible_values_are_refused(change):
    with pytest.raises(ValidationError):
        recipe(**change)


def test_a_run_goes_on_only_by_what_it_began_with():
    began = recipe(style="a.jpg", style_digest="d1", preview_every=100)
    assert recipe(style="./a.jpg", style_digest="d1", preview_every=7).differences(began) == []
    assert recipe(style="a.jpg", style_digest="d1", family="f").differences(began) == []
    assert recipe(style="a.jpg", style_digest="d2").differences(began) == [
        "style: another picture by that name"
    ]
    assert recipe(style="a.jpg", style_digest="d2").differences(recipe(style="a.jpg")) == []
    changed = recipe(style="a.jpg", style_digest="d1", style_shares=(1, 9), tv_weight=3)
    assert changed.differences(began) == [
        "style_shares: (), now (1.0, 9.0)",
        "tv_weight: 0.0, now 3.0",
    ]


def test_a_recipe_of_before_two_scales_is_exported_as_it_was_trained():
    older = recipe(tone_weight=0.5, grid_weight=20_000.0, pool=0, calm_weight=200.0)
    assert (older.exposure, older.scales, older.model_size) == (False, 1, "fast")
    assert (recipe().exposure, recipe().scales, recipe().model_size) == (True, 3, "dense")


def test_layers_are_weighed_by_default_and_by_wish():
    assert recipe().weights_of_layers["relu2_2"] == 5.5
    assert recipe(style_layers=("relu1_1", "relu2_2")).weights_of_layers == {
        "relu1_1": 1.0,
        "relu2_2": 5.5,
    }
    chosen = recipe(style_layers=("relu1_1", "relu2_2"), layer_weights=(2.0, 0.5))
    assert chosen.weights_of_layers == {"relu1_1": 2.0, "relu2_2": 0.5}


def test_the_layer_that_sees_large_shapes_counts_more_by_the_paintings_light():
    deep = [
        recipe(light=light).weights_of_layers["relu4_1"] for light in ("photograph", "painting")
    ]
    assert deep == [0.07, 1.0]
