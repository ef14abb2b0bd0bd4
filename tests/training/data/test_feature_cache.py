"""A fixed pool of crops and their content features."""

import pytest

from models.errors import TrainingError

torch = pytest.importorskip("torch", reason="needs the train extra")

from training.config.recipe import Recipe  # noqa: E402
from training.data.feature_cache import FeatureCache  # noqa: E402
from training.runtime.memory_budget import MemoryBudget  # noqa: E402


@pytest.fixture
def pool(loss_network, photographs):
    """A pool of six crops in batches of four; `pool.asked` counts the crops that were computed."""
    asked = []

    def content(crops):
        asked.append(len(crops))
        return loss_network(crops, ("relu3_3",))

    def make(**changes):
        options = {"pool": 6, "batch_size": 4, "image_size": (64, 64)} | changes
        made = FeatureCache(
            Recipe(style="s", images=("p",), **options), photographs, content, MemoryBudget()
        )
        made.asked = asked
        return made

    return make


def test_every_pass_shows_every_crop_once_in_another_order(pool):
    made = pool()
    crops = torch.cat([made.batch(step).pictures for step in range(3)])
    keys = [hash(crop.numpy().tobytes()) for crop in crops]
    first, second = keys[:6], keys[6:]
    assert len(set(first)) == 6
    assert set(first) == set(second)
    assert first != second


def test_a_batch_depends_on_seed_and_step_alone(pool):
    one, other = pool(), pool()
    for step in range(3):
        one.batch(step)
    for a, b in ((one.batch(3), other.batch(3)), (one.batch(0), next(other.batches(0)))):
        assert torch.equal(a.pictures, b.pictures)
        assert torch.equal(a.content["relu3_3"], b.content["relu3_3"])
    assert not torch.equal(pool(seed=1).batch(3).pictures, one.batch(3).pictures)


def test_features_are_computed_once_and_near_the_real_ones(pool, loss_network):
    made = pool()
    batches = [made.batch(step) for step in range(9)]
    assert sum(made.asked) == 6
    real = loss_network(batches[-1].pictures, ("relu3_3",))["relu3_3"]
    error = (batches[-1].content["relu3_3"] - real).square().sum() / real.square().sum()
    assert 0 < error < 1e-5


def test_a_pool_without_room_is_refused_with_what_fits(pool):
    pool()
    with pytest.raises(TrainingError, match=r"--pool 60000000: .* left; at most \d+ crops fit"):
        pool(pool=60_000_000)


@pytest.mark.parametrize("killed_at", [2, 8])
def test_a_training_on_a_pool_resumes_exactly(small_training, tmp_path, killed_at):
    def kill(progress):
        if progress.step == killed_at:
            raise KeyboardInterrupt

    unbroken = small_training(tmp_path / "unbroken", pool=5)
    with pytest.raises(KeyboardInterrupt):
        small_training(tmp_path / "broken", pool=5, on_progress=kill)
    resumed = small_training(tmp_path / "broken", pool=5)
    for name, value in unbroken.average.items():
        assert torch.equal(value, resumed.average[name]), name
