import cv2
import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the train extra")

from training.data.procedural_styles import PROCEDURAL_STYLES
from training.data.style_advice import advice, has_flat_shapes, measure_style

COLOURS = ((19, 122, 127), (244, 178, 138), (25, 42, 86), (250, 240, 220))


def discs(diameter, side=448, light=(0, 255)):
    """Discs on a grid, twice as far apart as they are wide."""
    picture = np.full((side, side, 3), light[0], np.uint8)
    for y in range(diameter, side, 2 * diameter):
        for x in range(diameter, side, 2 * diameter):
            cv2.circle(picture, (x, y), diameter // 2, (light[1],) * 3, -1)
    return picture


@pytest.mark.parametrize("name", ["low-poly", "stained-glass", "halftone-comic"])
def test_nothing_speaks_against_a_bold_picture(name):
    assert advice(PROCEDURAL_STYLES[name](448, 0)) == []


def test_a_pale_picture_is_told_from_a_bold_one():
    (contrast,) = [x for x in advice(discs(60, light=(120, 140))) if "contrast" in x]
    assert "choose one with clear darks and lights" in contrast
    assert not any("contrast" in x for x in advice(discs(60)))


def test_soft_edges_are_told():
    soft = cv2.GaussianBlur(discs(120), (0, 0), 30)
    assert any("few strong edges" in x for x in advice(soft))
    assert not any("few strong edges" in x for x in advice(discs(120)))


def test_grain_and_one_large_shape_are_told():
    grain = np.random.default_rng(0).integers(0, 256, (448, 448, 1), np.uint8).repeat(3, axis=2)
    assert any("grain" in x for x in advice(grain))
    ramp = np.linspace(0, 255, 448).astype(np.uint8)[None, :, None].repeat(448, 0).repeat(3, 2)
    assert any("as large as the picture" in x for x in advice(ramp))


def test_the_size_of_shapes_grows_with_them_and_not_with_the_pixels():
    sizes = [measure_style(discs(d)).shapes for d in (16, 32, 64)]
    assert sizes[0] < sizes[1] < sizes[2]
    enlarged = cv2.resize(discs(32), None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    assert measure_style(enlarged).shapes == pytest.approx(sizes[1], rel=0.1)


def triangles(side=480, across=60):
    """Rows of triangles, each in a colour by chance."""
    chance = np.random.default_rng(1)
    picture = np.zeros((side, side, 3), np.uint8)
    for y in range(0, side, across):
        for x in range(-across, side, across):
            up = [(x, y + across), (x + across, y + across), (x + across // 2, y)]
            down = [(x + across // 2, y), (x + 3 * across // 2, y), (x + across, y + across)]
            for corners in (up, down):
                colour = COLOURS[chance.integers(len(COLOURS))]
                cv2.fillPoly(picture, [np.array(corners)], colour, cv2.LINE_AA)
    return picture


def test_triangles_facets_and_flat_colours_are_flat_shapes():
    for across in (40, 60, 120, 160):
        assert has_flat_shapes(triangles(across=across))
    for name in ("low-poly", "halftone-comic"):
        assert has_flat_shapes(PROCEDURAL_STYLES[name](768, 0))


@pytest.mark.parametrize("name", ["woodcut", "watercolour", "ink-hatching"])
def test_textures_and_washes_are_not(name):
    assert not has_flat_shapes(PROCEDURAL_STYLES[name](768, 0))


def test_a_picture_with_light_and_shade_of_its_own_is_not():
    """Two halves, dark and bright: flat, but no pattern."""
    halves = triangles() // 8
    halves[:240] += 200
    assert not has_flat_shapes(halves)


def test_one_colour_is_none():
    assert not has_flat_shapes(np.full((448, 448, 3), 90, np.uint8))
