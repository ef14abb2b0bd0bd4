from itertools import product

import cv2
import numpy as np
import pytest

from models.catalogue import SHIPPED, style_paths

pytest.importorskip("torch", reason="needs the train extra")

from training.evaluation.defects import DEAD, examine_painting, find_defects

SIDE = 192


def strokes(seed, *, mean=130, side=SIDE):
    """A picture with something everywhere, uint8 RGB."""
    noise = np.random.default_rng(seed).normal(0, 90, (side, side, 3)).astype(np.float32)
    return (mean + cv2.GaussianBlur(noise, (0, 0), 1.5)).clip(0, 255).astype(np.uint8)


def spotted(picture, *, colour=(0, 0, 0), radius=5):
    out = picture.copy()
    for centre in ((40, 50), (120, 90), (150, 160)):
        cv2.circle(out, centre, radius, colour, -1)
    return out


@pytest.mark.parametrize("colour", [(0, 0, 0), (255, 255, 255), (255, 0, 255)])
def test_spots_are_seen(colour):
    source, painted, style = strokes(0), strokes(1), strokes(2)
    assert examine_painting(source, painted, style).description is None
    health = examine_painting(source, spotted(painted, colour=colour), style)
    assert 0.003 < health.spots < 0.02
    assert "spots on" in health.description


def test_a_style_with_such_spots_may_paint_them():
    style = spotted(strokes(2))
    assert examine_painting(strokes(0), spotted(strokes(1)), style).spots == 0


def test_black_spots_are_seen_where_the_style_has_white_ones():
    style = spotted(strokes(2), colour=(255, 255, 255))
    assert examine_painting(strokes(0), spotted(strokes(1)), style).description


def test_what_is_black_in_the_source_is_no_spot():
    assert examine_painting(spotted(strokes(0)), spotted(strokes(1)), strokes(2)).spots == 0


def test_a_sky_in_another_colour_is_no_spot():
    source, painted = strokes(0), strokes(1)
    source[: SIDE // 2], painted[: SIDE // 2] = (60, 90, 200), (190, 90, 30)
    assert examine_painting(source, painted, strokes(2)).description is None


def test_an_area_without_paint_is_dead():
    painted = strokes(1)
    painted[:, : SIDE // 3] = 130
    health = examine_painting(strokes(0), painted, strokes(2))
    assert health.dead == pytest.approx(1 / 3, abs=0.02)
    assert health.description == "no paint on 32% of the picture"


def test_a_picture_in_one_colour_has_collapsed():
    health = examine_painting(strokes(0), np.full((SIDE, SIDE, 3), 120, np.uint8), strokes(2))
    assert health.description == "everything in one colour"
    still = np.full((SIDE, SIDE, 3), 90, np.uint8)
    assert not examine_painting(still, still, strokes(2)).collapsed


def test_a_checkup_names_the_worst_painting_and_counts_the_ill_ones():
    source, style = strokes(0), strokes(2)
    bare = np.full((SIDE, SIDE, 3), 120, np.uint8)
    healthy = find_defects([source], [strokes(1)], [style])
    assert (str(healthy), healthy.description, healthy.severity) == ("nothing wrong", None, 0)
    ill = find_defects([source] * 3, [strokes(1), spotted(strokes(1)), bare], [style])
    assert str(ill) == "everything in one colour (2 of 3 paintings)"
    assert 1 / 3 < ill.severity < 0.4


def test_what_one_of_several_styles_has_is_no_flaw():
    source, painted = strokes(0), spotted(strokes(1))
    styles = [strokes(2), spotted(strokes(3))]
    assert find_defects([source], [painted], styles[:1]).description is not None
    assert find_defects([source], [painted], styles).description is None


@pytest.fixture(scope="module", params=style_paths([SHIPPED]))
def painter(request):
    from training.evaluation.model_painter import ModelPainter

    return ModelPainter(SHIPPED / f"{request.param}.onnx")


@pytest.fixture(scope="module")
def portrait():
    path = SHIPPED.parent.parent / "realtime" / "sources" / "astronaut.jpg"
    picture = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
    side = min(picture.shape[:2])
    return cv2.resize(picture[:side, :side], (256, 256), interpolation=cv2.INTER_AREA)


def test_a_shipped_style_is_healthy_and_its_spots_would_be_seen(painter, portrait):
    painted = painter(portrait)
    assert examine_painting(portrait, painted, strokes(2)).description is None
    assert "spots" in examine_painting(portrait, spotted(painted), strokes(2)).description


@pytest.mark.parametrize("lamp", list(product((0, 1), repeat=3))[1:-1])
def test_a_shipped_style_paints_by_light_of_one_or_two_colours(painter, portrait, lamp):
    """As on a stage. Gains of adaptive convolutions once multiplied to infinity there."""
    defects = examine_painting(portrait, painter(portrait * np.array(lamp, np.uint8)), strokes(2))
    assert not defects.collapsed
    assert defects.dead < DEAD


@pytest.mark.parametrize("colour", list(product((0, 255), repeat=3)))
def test_a_shipped_style_paints_a_frame_of_one_colour(painter, colour):
    painted = painter(np.full((180, 240, 3), colour, np.uint8))
    clipped = ((painted == 0) | (painted == 255)).all(axis=-1)
    assert clipped.mean() < 0.5


@pytest.mark.parametrize("blocks", [3, 6, 12])
def test_a_shipped_style_paints_a_graphic_of_saturated_colours(painter, blocks):
    """A poster or a test card: each colour stays another."""
    colours = np.random.default_rng(blocks).integers(0, 2, (blocks, blocks * 4 // 3, 3)) * 255
    graphic = colours.astype(np.uint8).repeat(240 // blocks, axis=0).repeat(240 // blocks, axis=1)
    painted = painter(graphic)
    defects = examine_painting(graphic, painted, strokes(2))
    assert not defects.collapsed
    assert defects.dead < DEAD
    assert 40 < painted.mean() < 215
