from functools import cache

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.catalogue import SHIPPED, style_paths

pytest.importorskip("torch", reason="needs the train extra")

from training.evaluation import artefacts
from training.evaluation.artefacts import (
    VISIBLE_FRAME,
    VISIBLE_GRID,
    border_contrast,
    change_of,
    grid_peak,
)
from training.evaluation.model_painter import ModelPainter

SIDE = 192


@pytest.fixture(scope="module", autouse=True)
def drawn_once():
    """The noisy flat pictures, which are the same for every painter: drawing them takes seconds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(artefacts, "_flat_pictures", cache(artefacts._flat_pictures))
        yield


def photograph(seed=0, side=SIDE):
    """Noise as strong at every scale as a natural picture's (1/f), uint8 RGB."""
    random = np.random.default_rng(seed)
    frequencies = np.hypot(*np.meshgrid(np.fft.fftfreq(side), np.fft.fftfreq(side)))
    waves = np.fft.fft2(random.normal(size=(3, side, side))) / np.maximum(frequencies, 1 / side)
    planes = np.fft.ifft2(waves).real
    planes = 128 + 45 * (planes - planes.mean()) / planes.std()
    return planes.transpose(1, 2, 0).clip(0, 255).round().astype(np.uint8)


def flat(side=SIDE):
    return np.full((side, side, 3), 120, np.uint8)


def wave(period, amplitude, side=SIDE, *, along_both=False):
    line = amplitude * np.cos(2 * np.pi * np.arange(side) / period)
    grid = line + line[:, None] if along_both else np.broadcast_to(line, (side, side))
    return np.repeat(grid[..., None], 3, axis=-1).astype(np.float32)


def strokes(source):
    """A painting without a grid: the picture's own edges, moved and in other colours."""
    moved = cv2.warpAffine(source, np.float32([[0.97, 0.04, 2.6], [-0.04, 0.97, 5.3]]), (SIDE,) * 2)
    return np.ascontiguousarray(moved[..., ::-1])


@pytest.mark.parametrize("period", [2, 4, 8])
@given(amplitude=st.floats(1.1, 40))
@settings(max_examples=10, deadline=None)
def test_a_grid_on_a_flat_picture_has_its_amplitude(period, amplitude):
    # At period 2 the samples of a cosine are its extremes: one bin holds what is else in two.
    expected = amplitude * (2 if period == 2 else 1)
    assert grid_peak(wave(period, amplitude)) == pytest.approx(expected, rel=0.01)
    assert grid_peak(wave(period, amplitude, along_both=True)) >= VISIBLE_GRID


@pytest.mark.parametrize("period", [2, 4, 8])
def test_a_grid_on_top_of_strokes_is_caught(period):
    source = photograph()
    painted = strokes(source)
    assert grid_peak(change_of(source, painted)) < VISIBLE_GRID
    gridded = painted + wave(period, 6, along_both=True)
    assert grid_peak(change_of(source, gridded.clip(0, 255).astype(np.uint8))) > VISIBLE_GRID


def test_a_grid_whose_sign_changes_over_the_picture_is_caught():
    change = wave(4, 3)
    change[:, : SIDE // 2] *= -1
    assert abs((change * wave(4, 1)).mean()) < 0.01  # nothing is left of it in the whole's mean
    assert grid_peak(change) > VISIBLE_GRID


@pytest.mark.parametrize("period", [3, 5, 11.3, 32])
def test_other_waves_are_strokes(period):
    assert grid_peak(wave(period, 20, along_both=True)) < VISIBLE_GRID


@pytest.mark.parametrize("seed", range(4))
def test_a_change_like_a_photograph_has_no_grid(seed):
    assert grid_peak(photograph(seed).astype(np.float32)) < VISIBLE_GRID


def test_a_small_picture_is_judged_too():
    assert grid_peak(wave(4, 5, side=50)) > VISIBLE_GRID
    assert grid_peak(np.zeros((50, 70, 3), np.float32)) == 0


def vignette(picture):
    rows, columns = (np.linspace(-1, 1, side) for side in picture.shape[:2])
    fall = 1 - 0.25 * (rows[:, None] ** 2 + columns**2)
    return (picture * fall[..., None]).round().astype(np.uint8)


def framed(picture, *, width=4, by=20):
    """A line along the right side alone."""
    painted = picture.astype(int)
    painted[:, -width:] += by
    return painted.clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("frame", [vignette, framed, lambda x: framed(x, width=16, by=-5)])
def test_a_frame_is_caught_on_flat_and_on_natural_pictures(frame):
    assert border_contrast([change_of(flat(), frame(flat()))]) > VISIBLE_FRAME
    assert artefacts.border(frame, [photograph(seed) for seed in range(4)]) > VISIBLE_FRAME
    changes = [artefacts.border_change(frame, photograph(seed)) for seed in range(4)]
    assert border_contrast(changes) > VISIBLE_FRAME


def test_strokes_that_fall_anywhere_are_no_frame_and_do_not_hide_one():
    random = np.random.default_rng(0)
    strokes = [
        cv2.GaussianBlur(random.normal(0, 1, (192, 192, 3)), (0, 0), 5).astype(np.float32) * 400
        for _ in range(16)
    ]
    assert np.std(strokes) > 20
    assert border_contrast(strokes) < VISIBLE_FRAME
    for change in strokes:
        change[:, :16] += 12
    assert border_contrast(strokes) > 2 * VISIBLE_FRAME


@pytest.mark.parametrize("painter", [lambda x: x, lambda x: 255 - x, lambda x: x // 2 + 60])
def test_a_painter_that_treats_all_places_alike_leaves_neither(painter):
    sources = [photograph(seed) for seed in range(2)]
    assert artefacts.border(painter, sources) == pytest.approx(0, abs=0.2)
    assert artefacts.grid(painter, sources) < 0.5


@pytest.fixture(scope="module")
def portraits():
    """Cuts of the demo portrait, turned: a frame stays where it is, all else averages out."""
    path = SHIPPED.parent.parent / "realtime" / "sources" / "astronaut.jpg"
    picture = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
    random = np.random.default_rng(0)
    cuts = []
    for _ in range(32):
        side = int(random.integers(SIDE, min(picture.shape[:2])))
        top, left = (int(random.integers(length - side + 1)) for length in picture.shape[:2])
        cut = picture[top : top + side, left : left + side]
        cut = np.rot90(cut, int(random.integers(4)))[:, :: int(random.choice([-1, 1]))]
        cuts.append(np.asarray(cv2.resize(cut, (SIDE, SIDE), interpolation=cv2.INTER_AREA)))
    return cuts


@pytest.fixture(scope="module", params=style_paths([SHIPPED]))
def shipped(request):
    """A shipped generator, which paints pictures as they are."""
    return ModelPainter(SHIPPED / f"{request.param}.onnx").generate


STROKES_AT_BORDERS, LINES_AT_BORDERS = 8.0, 11.0
"""Largest `border` on photographs: with bold strokes, what a photograph shows at a border is drawn
by other strokes, some darker or lighter. Up to 7 levels; 10 in Pen and Ink, whose lines are the
boldest and have a limit of their own. Eyes found no frame."""


STROKES_ON_THE_LATTICE = 2.0
"""Largest `grid` on photographs: hatching has periods of its own, and some of it meets those of a
grid (Pen and Ink 1.6, Low Poly 0.9, the others less). Enlarged three times, eyes found none."""


def test_a_shipped_style_leaves_no_grid(shipped, portraits):
    assert artefacts.flat_grid(shipped) < VISIBLE_GRID
    assert artefacts.grid(shipped, portraits[:12]) < STROKES_ON_THE_LATTICE


def test_a_shipped_style_leaves_no_frame(shipped, portraits, request):
    inked = request.node.callspec.params["shipped"] == "ink-hatching"
    limit = LINES_AT_BORDERS if inked else STROKES_AT_BORDERS
    assert artefacts.flat_border(shipped) < VISIBLE_FRAME
    assert artefacts.natural_border(shipped, portraits[:16]) < limit
