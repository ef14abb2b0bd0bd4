import cv2
import pytest

pytest.importorskip("torch", reason="needs the train extra")

from models.pictures import read_picture
from realtime.sources.demo import PORTRAIT
from training.data.faces.detector import find_faces


def test_the_face_of_a_portrait_is_found_and_nothing_else():
    portrait = read_picture(PORTRAIT)
    ((left, top, width, height),) = find_faces(portrait)
    rows, columns = portrait.shape[:2]
    assert 0.05 < width / columns < 0.4 < height / width < 2.5
    assert top + height < rows * 0.6
    without = portrait.copy()
    without[int(top) : int(top + height), int(left) : int(left + width)] = 90
    assert find_faces(without) == []


def test_what_is_too_small_to_have_eyes_is_no_face():
    tiny = cv2.resize(read_picture(PORTRAIT), (96, 96), interpolation=cv2.INTER_AREA)
    assert find_faces(tiny) == []
