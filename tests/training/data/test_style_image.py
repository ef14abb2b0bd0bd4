import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.errors import UsageError

pytest.importorskip("torch", reason="needs the train extra")

from training.data.style_image import fit_to_shape, load_style_image, resize_style

FITS = ["crop", "pad", "stretch"]


@pytest.fixture
def painting(tmp_path):
    """A picture file of a given size: a red middle in blue."""

    def make(width, height, name="My Painting.png"):
        picture = np.full((height, width, 3), (255, 0, 0), np.uint8)
        picture[height // 3 : height - height // 3, width // 3 : width - width // 3] = (0, 0, 255)
        cv2.imwrite(str(tmp_path / name), picture)
        return str(tmp_path / name)

    return make


def test_a_large_picture_is_shrunk_and_a_small_one_left(painting):
    assert load_style_image(painting(896, 448)).picture.shape == (224, 448, 3)
    assert load_style_image(painting(300, 200)).picture.shape == (200, 300, 3)


@pytest.mark.parametrize(("width", "height"), [(896, 448), (300, 200)])
def test_patterns_are_as_large_as_their_scale_says(painting, width, height):
    path = painting(width, height)
    once, twice, half = (load_style_image(path, scale=s).picture.shape for s in (1, 2, 0.5))
    assert twice[:2] == (2 * once[0], 2 * once[1])
    assert half[:2] == (once[0] // 2, once[1] // 2)


def test_an_enlarged_picture_is_said_to_be_soft(painting, caplog):
    load_style_image(painting(900, 900), scale=2)
    assert not caplog.text
    load_style_image(painting(300, 300), scale=2)
    assert "enlarged beyond its own 300 pixels" in caplog.text


@settings(deadline=None)
@given(
    fit=st.sampled_from(FITS),
    shape=st.tuples(st.integers(64, 512), st.integers(64, 512)),
    height=st.integers(40, 300),
    width=st.integers(40, 300),
)
def test_any_picture_gets_the_shape_of_the_crops(fit, shape, height, width):
    picture = np.zeros((height, width, 3), np.uint8)
    fitted = fit_to_shape(shape, picture, fit)
    rows, columns = fitted.shape[:2]
    assert abs(rows - columns * shape[0] / shape[1]) <= 0.5 * (1 + shape[0] / shape[1]) + 1e-6
    assert fit_to_shape(shape, picture, "whole") is picture
    if fit == "crop":
        assert rows <= height
        assert columns <= width
    if fit == "pad":
        assert rows >= height
        assert columns >= width


def test_each_fit_treats_the_rest_of_the_picture_in_its_own_way():
    picture = np.zeros((60, 120, 3), np.uint8)
    picture[:, 30:90, 0] = 255  # the middle half is red
    crop, pad, stretch = (fit_to_shape((1, 1), picture, fit) for fit in FITS)
    assert (crop[..., 0] == 255).all()
    assert pad.shape == (120, 120, 3)
    assert (pad[30:90] == picture).all()
    assert (pad[:30] == pad[60:30:-1]).all()
    assert stretch.shape == (120, 120, 3)
    assert (stretch[:, 30:90, 0] == 255).all()


def test_a_style_is_named_after_its_file(painting):
    assert load_style_image(painting(100, 100)).name == "my-painting"
    assert load_style_image(painting(100, 100, "Café ü!.png")).name == "cafe-u"
    assert load_style_image(painting(100, 100, "画.png")).name == "style"
    assert load_style_image(painting(100, 100, "!.png")).name == "style"
    assert load_style_image("marbling").name == "marbling"


def test_a_picture_of_which_nothing_is_left_is_refused(painting):
    with pytest.raises(UsageError, match=r"Painting\.png: only 448x9 pixels are left of it"):
        load_style_image(painting(900, 18))
    with pytest.raises(UsageError, match=r"at least 32 are needed"):
        load_style_image(painting(600, 600), scale=0.05)


def test_a_scale_of_one_changes_no_pixel_of_a_small_picture():
    picture = np.random.default_rng(0).integers(0, 256, (90, 80, 3), dtype=np.uint8)
    assert resize_style(picture, 1.0) is picture
