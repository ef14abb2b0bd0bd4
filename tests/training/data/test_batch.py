import pytest

torch = pytest.importorskip("torch", reason="needs the train extra")

from training.config.recipe import Recipe  # noqa: E402
from training.data.batch import crop_size, make_batch, overlap_of, window_size  # noqa: E402


def recipe(**changes):
    fields = {"style": "s", "images": "p", "image_size": (64, 72), "alpha": 0.25} | changes
    return Recipe(**fields)


def crops_for(made, seed=0):
    return torch.rand(2, 3, *crop_size(made), generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("size", ["dense", "fast", "full"])
def test_windows_have_the_generators_margin_and_stride(size):
    made = recipe(model_size=size, image_size=(65, 72))
    architecture = made.architecture
    for side, window in zip(made.image_size, window_size(made), strict=True):
        assert window % architecture.stride == 0
        assert 0 <= window - side - 2 * architecture.margin < architecture.stride


def test_the_source_is_the_inside_of_the_window():
    made = recipe(exposure=False, grain=0.0)
    batch = make_batch(made, crops_for(made), step=0)
    margin = made.architecture.margin
    inside = batch["window"][..., margin : margin + 64, margin : margin + 72]
    assert torch.equal(inside, batch["source"])


def test_a_step_is_a_pure_function_of_its_number():
    made = recipe()
    first, again, other = (make_batch(made, crops_for(made), step) for step in (4, 4, 6))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["source"], other["source"])


def test_grain_is_the_same_in_both_windows_and_not_in_the_source():
    made, without = recipe(grain=0.1), recipe(grain=0.0)
    (grained, plain) = (make_batch(x, crops_for(x), step=0) for x in (made, without))
    assert torch.equal(grained["source"], plain["source"])
    textures = {name: grained[name] - plain[name] for name in ("window", "again")}
    assert 0.03 < float(textures["window"].std()) < 0.12  # less than 0.1 where it is clipped
    first, second = overlap_of(textures["window"], textures["again"], grained)
    assert float((first - second).abs().mean()) < 0.2 * float(
        first.abs().mean()
    )  # but for clipping


def test_stability_is_judged_in_every_second_step_and_only_where_it_is_weighed():
    made = recipe()
    judged = ["again" in make_batch(made, crops_for(made), step) for step in range(4)]
    assert judged == [True, False, True, False]
    unweighed = recipe(temporal_weight=0)
    assert "again" not in make_batch(unweighed, crops_for(unweighed), 0)


def test_both_windows_show_the_same_place_where_they_overlap():
    made = recipe(exposure=False)
    batch = make_batch(made, crops_for(made), step=0)
    margin = made.architecture.margin
    inside = (..., slice(margin, margin + 64), slice(margin, margin + 72))
    first, second = overlap_of(batch["window"][inside], batch["again"][inside], batch)
    assert float((first - second).abs().mean()) < 0.08  # noise and exposure alone
    assert overlap_of(first, second, make_batch(made, crops_for(made), step=1)) is None


def test_the_generator_sees_normalised_exposure_and_the_losses_the_photograph():
    made = recipe()
    dark = crops_for(made) * 0.3
    batch = make_batch(made, dark, step=0)
    assert float(batch["source"].mean()) == pytest.approx(0.15, abs=0.01)
    assert float(batch["window"].mean()) == pytest.approx(0.5, abs=0.02)


def test_faces_are_cut_out_with_the_source():
    made = recipe()
    crops = crops_for(made)
    batch = make_batch(made, torch.cat([crops, crops[:, :1]], dim=1), step=0)
    assert float((batch["faces"] - batch["source"][:, :1]).abs().mean()) < 0.02  # but for noise
    assert "faces" not in make_batch(made, crops, step=0)
