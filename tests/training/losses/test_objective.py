import pytest

torch = pytest.importorskip("torch", reason="needs the train extra")

from training.config.recipe import Recipe  # noqa: E402
from training.data.tensors import to_tensor  # noqa: E402
from training.losses.objective import face_shares, objective_for, reduced  # noqa: E402
from training.losses.tones.light import light_of, luma  # noqa: E402

LAYERS = ("relu1_2", "relu2_2")


@pytest.fixture
def source(photographs):
    return photographs.batch(seed=0, step=0, batch_size=3, size=(64, 64))


@pytest.fixture
def objective(loss_network, style_picture):
    """An objective of two layers with these changes of the recipe."""

    def make(**changes):
        fields = {
            "style_layers": LAYERS,
            "layer_weights": (1, 1),
            "scales": 1,
            "precision": "fp32",
        } | changes
        recipe = Recipe(style="s", images="p", **fields)
        return objective_for(recipe, loss_network, [to_tensor(style_picture[None])], [1.0])

    return make


@pytest.mark.parametrize("kind", ["gram", "wasserstein"])
def test_each_layer_counts_by_its_weight(objective, source, kind):
    def loss(**changes):
        return float(objective(style_loss=kind, **changes)(source, source)["style"])

    first, second = (loss(style_layers=(x,), layer_weights=(1,)) for x in LAYERS)
    assert first != pytest.approx(second)
    assert loss() == pytest.approx(first + second, rel=1e-4)
    assert loss(layer_weights=(3, 0.5)) == pytest.approx(3 * first + 0.5 * second, rel=1e-4)
    assert loss(style_weight=7) == pytest.approx(7 * (first + second), rel=1e-4)


def test_the_border_of_a_crop_need_not_look_like_the_painting(objective, source):
    judge = objective(style_layers=("relu1_2",), layer_weights=(1,))
    framed, spotted = source.clone(), source.clone()
    framed[..., 0], framed[..., -1, :] = 1.0, 0.0
    spotted[..., 20], spotted[..., -20, :] = 1.0, 0.0
    plain, at_border, inside = (judge(source, x) for x in (source, framed, spotted))
    assert float(at_border["style"]) == pytest.approx(float(plain["style"]), rel=1e-5)
    assert float(inside["style"]) != pytest.approx(float(plain["style"]), rel=1e-3)
    assert float(at_border["content"]) > 0  # but like the photograph


@pytest.mark.parametrize("side", [64, 72, 192])
def test_the_smallest_view_has_an_inside(objective, side):
    deep = objective(style_layers=("relu3_3",), layer_weights=(1,), scales=3)
    crop = torch.rand(1, 3, side, side)
    assert torch.isfinite(deep(crop, crop)["style"])


def test_the_two_style_losses_differ(objective, source):
    losses = [objective(style_loss=x)(source, source)["style"] for x in ("gram", "wasserstein")]
    assert float(losses[0]) != pytest.approx(float(losses[1]))


def test_two_scales_see_the_whole_at_half_size_and_a_part_at_full_size(objective, source):
    whole = objective()(torch.nn.functional.avg_pool2d(source, 2), source[..., :32, :32])
    painted = source.clone()
    painted[..., 32:, 32:] = 0.5
    two = objective(scales=2, content_weight=1.0, content_start=1.0)
    seen = [float(two(source, painted, corner=at)["content"]) for at in ((0, 0), (32, 32))]
    assert 0 < seen[0] < seen[1]  # the spoilt quarter is in the whole, too
    assert float(two(source, source)["content"]) == 0
    assert set(whole) == {"content", "style", "range", "stability"}


def test_three_scales_also_compare_light_and_shade_at_a_quarter_of_the_size(objective, source):
    """By the photograph's light all of the crop at full size, by the painting's a quarter of it."""
    lit = (source + 0.3).clamp(0, 1)
    one, light = objective(content_start=1.0), {"scales": 3, "content_start": 1.0}

    def content(view):
        return float(one(view(source), view(lit))["content"])

    views = [lambda x: reduced(x, 2)[0], lambda x: reduced(x, 1)[0], lambda x: x]
    quarter, half, whole = map(content, views)
    part = content(lambda x: x[..., :32, :32])
    for kind, full in (("photograph", whole), ("painting", part)):
        found = float(objective(light=kind, **light)(source, lit)["content"])
        assert found == pytest.approx(quarter + half + full, rel=1e-3)


def test_at_reduced_sizes_only_the_batch_has_to_look_like_the_painting(objective):
    dark, light = torch.full((2, 3, 64, 64), 0.2), torch.full((2, 3, 64, 64), 0.8)
    apart = torch.cat([dark[:1], light[:1]])
    three, two = (objective(scales=n, gram="image") for n in (3, 2))

    def coarse(painted):
        more, less = (float(losses(painted, painted)["style"]) for losses in (three, two))
        return more - less

    assert coarse(apart) < (coarse(dark) + coarse(light)) / 2


def test_with_the_paintings_light_each_crop_has_its_contrasts(objective):
    """Two crops as far apart as darks and lights: fine for the batch, not for each of them."""
    apart = torch.cat([torch.full((1, 3, 64, 64), 0.2), torch.full((1, 3, 64, 64), 0.8)])
    style = {
        light: float(objective(scales=3, light=light, gram="mixed")(apart, apart)["style"])
        for light in ("photograph", "painting")
    }
    assert style["painting"] > 1.01 * style["photograph"]


def test_the_content_weight_grows_over_the_ramp(objective, source):
    painted = 1 - source
    ramped = objective(content_weight=2.0, content_start=0.25, content_ramp=0.5)
    losses = [float(ramped(source, painted, progress=x)["content"]) for x in (0, 0.25, 0.5, 1)]
    assert losses[0] == pytest.approx(0.25 * losses[3], rel=1e-4)
    assert losses[1] == pytest.approx(0.625 * losses[3], rel=1e-4)
    assert losses[2] == pytest.approx(losses[3])


def test_absolute_losses_grow_with_the_features_relative_ones_do_not(objective, source):
    losses = {
        units: objective(loss_units=units)(source, 1 - source)["content"]
        for units in ("relative", "absolute")
    }
    assert float(losses["relative"]) != pytest.approx(float(losses["absolute"]))
    strong = objective(loss_units="absolute")
    for name in strong.network.layers[:1]:
        strong.network.get_buffer(f"{name}_weight").mul_(10)
    scaled = strong(source, 1 - source)["content"]
    assert float(scaled) == pytest.approx(100 * float(losses["absolute"]), rel=1e-3)
    again = objective(loss_units="relative")(source, 1 - source)["content"]
    assert float(again) == pytest.approx(float(losses["relative"]), rel=1e-3)


def test_a_term_without_weight_is_left_out(objective, source):
    named = objective(content_weight=0, range_weight=0, temporal_weight=0, tv_weight=2)
    assert set(named(source, source)) == {"style", "tv"}


def test_stability_counts_only_where_windows_overlap_and_then_for_all_steps(objective, source):
    judged = objective(temporal_weight=3.0, stability_every=2)
    assert float(judged(source, source)["stability"]) == 0
    overlap = source, source + 0.1
    assert float(judged(source, source, overlap=overlap)["stability"]) == pytest.approx(0.06)


def test_content_counts_more_on_faces(objective, source):
    painted = 1 - source
    faces = torch.zeros_like(source[:, :1])
    judged = objective(face_weight=4.0, content_start=1.0)
    without = judged(source, painted, faces=faces)["content"]
    assert torch.allclose(without, judged(source, painted)["content"])
    faces[..., :32] = 1.0
    half = judged(source, painted, faces=faces)["content"]
    whole = judged(source, painted, faces=torch.ones_like(faces))["content"]
    assert without < half < whole
    off = objective(face_weight=0.0, content_start=1.0)
    assert torch.allclose(off(source, painted, faces=faces)["content"], without)


def test_the_style_pulls_less_at_faces(objective, source):
    """Of a picture that is all face, the gradient is weaker, and nowhere 0."""

    def gradient(share, faces):
        painted = source.clone().requires_grad_()
        objective(face_style=share)(source, painted, faces=faces)["style"].backward()
        return painted.grad

    everywhere = torch.ones_like(source[:, :1])
    whole = gradient(1.0, everywhere)
    assert torch.allclose(whole, gradient(0.1, torch.zeros_like(everywhere)))
    weak = gradient(0.1, everywhere)
    assert 0 < float(weak.norm()) < 0.05 * float(whole.norm())  # of an error squared
    left = everywhere.clone()
    left[..., 32:] = 0
    parted = gradient(0.1, left)
    assert float(parted[..., :24].norm()) < 0.3 * float(parted[..., 40:].norm())


def test_colours_on_faces_remain_the_styles():
    """The coarsest scale holds them: there the style counts as everywhere."""
    for scales, expected in ((1, (0.25,)), (2, (1.0, 0.25)), (3, (1.0, 0.5, 0.25))):
        recipe = Recipe(style="s", images="p", scales=scales, face_style=0.25)
        assert face_shares(recipe) == pytest.approx(expected)


@pytest.mark.parametrize("name", ["light", "outline", "colour"])
def test_light_outlines_and_colours_count_by_their_weight(objective, source, name):
    faint, strong = (
        objective(**{f"{name}_weight": x})(source, 1 - source)[name] for x in (0.5, 2.0)
    )
    assert float(faint) > 0
    assert float(strong) == pytest.approx(4 * float(faint), rel=1e-5)
    assert name not in objective()(source, source)


def test_light_and_outlines_are_wanted_in_the_contrast_of_the_recipe(
    objective, source, style_picture
):
    wanted = light_of([to_tensor(style_picture[None])], [1])
    seen = luma(source)
    mean, deviation = (f(dim=(2, 3), keepdim=True) for f in (seen.mean, seen.std))
    weights = {"light_weight": 1.0, "outline_weight": 1.0}
    for contrast in (0.8, 1.0, 1.5):
        loss = objective(light_contrast=contrast, **weights)
        stretched = (source - mean) / deviation * wanted.deviation * contrast + wanted.mean
        terms = loss(source, stretched)
        assert float(terms["light"]) < 1e-3
        assert float(terms["outline"]) < 1e-3
        assert float(loss(source, source * 0.1)["light"]) > 0.1
