from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from training.recipe import Recipe


def recipe(**changes):
    return Recipe(style="s", images="photos", **changes)


@given(num_images=st.integers(1, 10**6), batch_size=st.integers(1, 64))
def test_every_image_is_in_some_step(num_images, batch_size):
    r = recipe(num_images=num_images, batch_size=batch_size)
    assert (r.steps - 1) * batch_size < num_images <= r.steps * batch_size


def test_the_rate_warms_up_stays_and_falls():
    r = recipe(num_images=8000, batch_size=8, lr=1e-3, warmup_steps=50, decay_from=0.5)
    rates = [r.learning_rate(step) for step in range(r.steps)]
    assert rates[0] == pytest.approx(2e-5)
    assert rates[50:500] == [1e-3] * 450
    assert all(a > b for a, b in pairwise(rates[501:]))
    assert rates[-1] < 3e-5


@pytest.mark.parametrize(
    "change",
    [{"alpha": 0}, {"crop": 8}, {"tv_weight": -1}, {"typo": 1}, {"layer_weights": (1.0, 2.0)}],
)
def test_impossible_values_are_refused(change):
    with pytest.raises(ValidationError):
        recipe(**change)
