import cv2
import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the train extra")

from training.data.flat_shapes import has_flat_shapes
from training.data.procedural_styles import PROCEDURAL_STYLES

COLOURS = ((19, 122, 127), (244, 178, 138), (25, 42, 86), (250, 240, 220))


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


def test_triangles_and_facets_are_flat_shapes():
    assert has_flat_shapes(triangles())
    assert has_flat_shapes(PROCEDURAL_STYLES["low-poly"](768, 0))


@pytest.mark.parametrize("name", ["woodcut", "watercolour", "halftone-comic", "ink-hatching"])
def test_textures_and_washes_are_not(name):
    assert not has_flat_shapes(PROCEDURAL_STYLES[name](768, 0))


def test_a_picture_with_light_and_shade_of_its_own_is_not():
    """Two halves, dark and bright: flat, but no pattern."""
    halves = triangles() // 8
    halves[:240] += 200
    assert not has_flat_shapes(halves)


def test_one_colour_is_none():
    assert not has_flat_shapes(np.full((448, 448, 3), 90, np.uint8))
