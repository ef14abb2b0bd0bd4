import cv2
import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the train extra")

from models.pictures import read_picture
from realtime.sources.demo import PORTRAIT as PORTRAIT_FILE
from training.evaluation.faces_kept import FacesKept, faces_kept, overlap

PORTRAIT = read_picture(PORTRAIT_FILE)


def test_a_painter_that_changes_nothing_keeps_every_face():
    empty = np.full_like(PORTRAIT, 120)
    assert faces_kept(lambda picture: picture, [PORTRAIT, empty]) == FacesKept(1, 1)


def test_a_face_that_is_painted_over_or_moved_is_lost():
    blurred = faces_kept(lambda picture: cv2.GaussianBlur(picture, (0, 0), 30), [PORTRAIT])
    turned = faces_kept(lambda picture: np.ascontiguousarray(picture[:, ::-1]), [PORTRAIT])
    assert blurred == turned == FacesKept(0, 1)


def test_overlap_is_intersection_over_union():
    assert overlap((0, 0, 10, 10), (0, 0, 10, 10)) == 1
    assert overlap((0, 0, 10, 10), (5, 0, 10, 10)) == pytest.approx(1 / 3)
    assert overlap((0, 0, 10, 10), (20, 20, 5, 5)) == 0
