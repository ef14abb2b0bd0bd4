from copy import deepcopy

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the train extra")

import torch

from models.errors import TrainingError, UsageError
from training.losses.tones.light import luma
from training.optimise.colours import chroma
from training.optimise.objective.features import PaintFeatures
from training.optimise.objective.gram import style_grams
from training.optimise.scales import resized

ONE_SCALE = {"size": 64, "initial_iterations": 40}


def wavelength(picture):
    """Mean wavelength in pixels of the luma's spectrum, weighted by power."""
    light = luma(picture)[0, 0].numpy()
    light = light - light.mean()
    power = np.abs(np.fft.fft2(light)) ** 2
    rows, columns = np.meshgrid(*(np.fft.fftfreq(n) for n in light.shape), indexing="ij")
    return 1 / ((np.hypot(rows, columns) * power).sum() / power.sum())


def style_distance(features, picture, style):
    layers = tuple(features.layers)
    target = style_grams(features, [(resized(style, picture.shape[2:]), 1.0)], layers)
    own = style_grams(features, [(picture, 1.0)], layers)
    errors = [(own[x] - target[x]).square().sum() / target[x].square().sum() for x in layers]
    return float(torch.stack(errors).mean())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("method", "optimizer", "iterations", "limit"),
    [
        ("gram", "adam", 16, 0.15),
        ("gram", "lbfgs", 16, 0.2),
        ("remd", "adam", 16, 0.35),
        # It begins with a short step, and minimises another distance than the one that judges.
        ("remd", "lbfgs", 32, 0.6),
    ],
)
def test_the_painting_is_nearer_to_the_style_than_the_photograph(
    painting, features, photo, style, method, optimizer, iterations, limit
):
    given = {"style_weight": 80, "initial_iterations": iterations}
    painted = painting(method=method, optimizer=optimizer, **given).run()
    assert tuple(painted.shape[2:]) == (73, 91)
    before = resized(photo, (73, 91))
    left = style_distance(features, painted, style) / style_distance(features, before, style)
    assert left < limit


def test_content_weight_keeps_the_photograph(painting, photo):
    before = resized(photo, (73, 91))
    free, bound = (painting(content_weight=w).run() for w in (0, 50))
    assert (bound - before).abs().mean() < (free - before).abs().mean()


def test_style_weight_is_between_photograph_and_style(painting, features, photo, style):
    pictures = [painting(style_weight=w, content_weight=0.2).run() for w in (0, 50, 100)]
    distances = [style_distance(features, x, style) for x in pictures]
    assert distances[0] > distances[1] > distances[2]
    kept = [float((x - resized(photo, (73, 91))).abs().mean()) for x in pictures]
    assert kept[0] < kept[2] * 0.75


def test_variation_weight_smooths(painting):
    rough, smooth = (painting(tv_weight=w).run().diff(dim=3).abs().mean() for w in (0, 500))
    assert smooth < rough


@pytest.mark.slow
def test_style_scale_moves_the_wavelength(painting, style):
    # Stripes of 8 pixels in the painting at scale 1, on a grey photograph.
    columns = torch.arange(192)
    stripes = ((columns // 8) % 2).float().expand(1, 3, 192, 192).contiguous()
    grey = torch.full((1, 3, 96, 96), 0.5)
    given = {"content_weight": 0, "tv_weight": 0, "initial": "noise"} | ONE_SCALE
    made = [painting(grey, [stripes], style_scale=scale, **given) for scale in (0.5, 1, 2)]
    fine, normal, coarse = (wavelength(x.run()) for x in made)
    assert fine < normal < coarse


def test_weights_of_one_and_nothing_are_the_first_style_alone(painting, photo, style):
    other = photo.flip(1)
    alone = painting(styles=[style]).run()
    assert torch.equal(painting(styles=[style, other], style_shares=(1, 0)).run(), alone)
    assert not torch.allclose(painting(styles=[style, other]).run(), alone, atol=0.01)


def test_noise_has_the_colours_of_the_style_that_counts_most(painting):
    red, blue = torch.zeros(1, 3, 64, 64), torch.zeros(1, 3, 64, 64)
    red[:, 0] = blue[:, 2] = 1
    given = {"styles": [red, blue], "initial": "style", "size": 64}
    for shares, channel in [((3, 1), 0), ((1, 3), 2)]:
        start = painting(style_shares=shares, **given).picture().mean((0, 2, 3))
        assert int(start.argmax()) == channel


@pytest.mark.slow
def test_a_region_gets_its_own_style(painting, style):
    red, blue = torch.zeros(1, 3, 64, 64), torch.zeros(1, 3, 64, 64)
    red[:, 0] = blue[:, 2] = 1
    grey = torch.full((1, 3, 64, 64), 0.5)
    regions = torch.zeros(2, 64, 64)
    regions[0, :, :32] = regions[1, :, 32:] = 1
    for method in ("gram", "remd"):
        given = {"content_weight": 0, "method": method, "initial": "noise"} | ONE_SCALE
        painted = painting(grey, [red, blue], regions=regions, **given).run()
        left, right = painted[0, :, :, 6:26].mean((1, 2)), painted[0, :, :, 38:58].mean((1, 2))
        assert left[0] > right[0]
        assert right[2] > left[2]


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"optimizer": "lbfgs"},
        {"method": "remd"},
        {"colours": "luminance"},
        {"colours": "histogram"},
    ],
    ids=str,
)
def test_a_region_without_a_style_keeps_the_photograph(painting, style, photo, change):
    regions = torch.zeros(2, *photo.shape[2:])
    regions[0, :, :100] = regions[1, :, 100:] = 1
    made = painting(styles=[style, None], regions=regions, initial="noise", **change)
    moved = (made.run() - resized(photo, (73, 91)).clamp(0, 1)).abs().mean(dim=(0, 1, 2))
    assert moved[49:].max() < 1e-4
    assert moved[:40].mean() > 0.02


def test_luminance_keeps_the_colours(painting, photo):
    painted, before = painting(colours="luminance").run(), resized(photo, (73, 91)).clamp(0, 1)
    assert float(chroma(painted)) == pytest.approx(float(chroma(before)), rel=0.05)
    moved = (painted - luma(painted)) - (before - luma(before))
    assert moved.abs().median() < 0.02
    assert (luma(painted) - luma(before)).abs().mean() > 0.01


def test_histogram_keeps_the_colourfulness_and_the_mean_colour(painting, photo):
    given = {"size": 64, "initial_iterations": 100}
    plain, painted = (painting(colours=x, **given).run() for x in ("style", "histogram"))
    before = resized(photo, (51, 64)).clamp(0, 1)
    assert float(chroma(painted)) == pytest.approx(float(chroma(before)), rel=0.05)
    off = [(x.mean((0, 2, 3)) - before.mean((0, 2, 3))).abs().sum() for x in (plain, painted)]
    assert off[1] < off[0] / 2


def test_enhancing_paints_a_larger_scale_with_fine_strokes_and_reduces_it(painting):
    plain, enhanced = painting(iterations=2), painting(iterations=2, enhance=True)
    assert max(enhanced.scales[-1].shape) == round(91 * 2**0.5)
    layers = enhanced.weights(enhanced.scales[-1]).style_layers
    assert list(layers) == ["relu1_1", "relu2_1", "relu3_1"]
    assert plain.run().shape == enhanced.run().shape
    assert not torch.allclose(plain.picture(), enhanced.picture(), atol=0.01)


@pytest.mark.slow
@pytest.mark.parametrize(
    "change",
    [
        {"depth": 1},
        {"style_layers": {"relu1_2": 1, "relu2_2": 0.5}},
        {"content_layers": {"relu1_1": 1}},
        {"initial": "noise"},
        {"initial": "style"},
        {"step_size": 0.005},
        {"iterations": 2},
        {"initial_iterations": 3},
        {"first_size": 91},
        {"optimizer": "lbfgs"},
        {"method": "remd"},
    ],
    ids=str,
)
def test_every_setting_changes_the_painting(painting, change):
    assert (painting(**change).run() - painting().run()).abs().max() > 0.01


def test_it_may_paint_over_a_picture(painting, style):
    over = painting(initial="picture", start=style, iterations=1, initial_iterations=1).run()
    assert (over - resized(style, (73, 91))).abs().mean() < 0.05


@pytest.mark.parametrize("pooling", ["average", "l2"])
def test_pooling_changes_the_painting(painting, loss_network, pooling):
    other = painting(features=PaintFeatures(loss_network, pooling)).run()
    assert (other - painting().run()).abs().max() > 0.01


def test_the_seed_decides_the_noise(painting):
    first, again, other = (
        painting(initial="noise", seed=seed, iterations=1, initial_iterations=1).run()
        for seed in (1, 1, 2)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.slow
def test_in_parts_it_paints_the_same(painting):
    quick = {"size": 128, "first_size": 128, "initial_iterations": 2}
    whole, parts = painting(**quick), painting(**quick, tile=96)
    assert len(parts.objective(parts.scales[-1]).parts) > 1
    at_once, in_parts = whole.run(), parts.run()
    # Adam's first steps keep only the sign of a gradient: where it is nearly 0, rounding decides.
    # That the gradients agree is tested with the objective.
    start = painting(**quick, step_size=1e-6).run()
    assert (in_parts - at_once).abs().mean() < 0.25 * (at_once - start).abs().mean()
    judged, framed = whole.objective(whole.scales[-1]), whole.scales[-1].framed
    (one, _), (other, _) = judged(framed(at_once)), judged(framed(in_parts))
    assert other == pytest.approx(one, rel=0.05)


def test_it_goes_on_from_its_state(painting):
    told = []

    def stop(progress):
        told.append(progress)
        if progress.iteration == 10:
            raise KeyboardInterrupt

    broken = painting()
    with pytest.raises(KeyboardInterrupt):
        broken.run(stop)
    resumed = painting()
    resumed.load_state(broken.state())
    assert resumed.iteration == 10
    assert torch.allclose(resumed.run(), painting().run(), atol=1e-5)


def test_it_goes_from_coarse_to_fine_and_tells_every_iteration(painting):
    told = []
    made = painting(size=181, first_size=90, initial_iterations=3, iterations=2)
    made.run(told.append)
    assert [p.iteration for p in told] == [1, 2, 3, 4, 5, 6, 7]
    assert [max(p.size) for p in told] == [90, 90, 90, 128, 128, 181, 181]
    assert {tuple(p.picture().shape[2:]) for p in told} == {(145, 181)}
    assert set(told[0].losses) == {"content", "style", "tv"}
    shares = [p.work for p in told]
    assert shares == sorted(shares)
    assert shares[-1] == 1


def test_it_may_be_larger_than_the_photograph(painting):
    assert tuple(painting(size=256, initial_iterations=1, iterations=1).run().shape[2:]) == (
        205,
        256,
    )


def test_losses_that_are_not_finite_are_said(painting, photo):
    with pytest.raises(TrainingError, match="not finite"):
        painting(photo * torch.inf).run()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"style_shares": (1, 2)}, "1 styles, but 2 weights"),
        ({"style_shares": (0,)}, "not all of them 0"),
        ({"style_layers": {"relu5_4": 1}}, "no layer relu5_4"),
        ({"initial": "picture"}, "none is given"),
    ],
)
def test_settings_that_do_not_fit_are_refused(painting, change, message):
    with pytest.raises(UsageError, match=message):
        painting(**change)


def test_what_is_painted_beyond_the_picture_is_cut_off(painting):
    """Also of a painting that is broken off at a size with a margin."""
    begun, seen = painting(), []
    begun.run(lambda told: seen.append((told.picture(), deepcopy(begun.state()["descent"]))))
    (first, state), last = seen[0], seen[-1][0]
    painted = state["_sum"] / (1 - state["_missing"])
    assert tuple(painted.shape[2:]) == begun.scales[0].painted == (51 + 4, 64 + 4)
    assert torch.equal(first, resized(painted[..., 2:-2, 2:-2], (73, 91)).clamp(0, 1))
    assert first.shape == last.shape == (1, 3, 73, 91)
