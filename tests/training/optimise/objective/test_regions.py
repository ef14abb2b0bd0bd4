import cv2
import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the train extra")

from models.errors import UsageError
from training.optimise.objective.regions import region_colours, regions_of

COLOURS = [(250, 240, 10), (10, 10, 200), (200, 30, 30)]


@pytest.fixture
def mask():
    picture = np.zeros((60, 90, 3), np.uint8)
    for number, colour in enumerate(COLOURS):
        picture[:, number * 30 : (number + 1) * 30] = colour
    return picture


def test_regions_come_from_dark_to_light(mask):
    assert [tuple(c) for c in region_colours(mask)] == [COLOURS[1], COLOURS[2], COLOURS[0]]
    regions = regions_of(mask, 3, (20, 30)).numpy()
    assert regions.shape == (3, 20, 30)
    assert np.allclose(regions.sum(axis=0), 1)
    assert regions[0, :, 12:18].min() == 1
    assert regions[2, :, 2:8].min() == 1


def test_a_compressed_mask_with_soft_edges_has_the_same_regions(mask):
    _, data = cv2.imencode(
        ".jpg", cv2.GaussianBlur(mask, (0, 0), 0.7), [cv2.IMWRITE_JPEG_QUALITY, 90]
    )
    soft = regions_of(cv2.imdecode(data, cv2.IMREAD_COLOR), 3, (20, 30)).numpy()
    hard = regions_of(mask, 3, (20, 30)).numpy()
    assert np.abs(soft - hard).mean() < 0.05


@pytest.mark.parametrize("count", [2, 4])
def test_another_number_of_styles_is_refused(mask, count):
    with pytest.raises(UsageError, match=f"3 flat colours .*#0a0ac8.* there are {count} styles"):
        regions_of(mask, count, (20, 30))
