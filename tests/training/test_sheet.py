import numpy as np

from training.sheet import GAP, LABEL_HEIGHT, contact_sheet


def flat(height, width, colour):
    return np.full((height, width, 3), colour, np.uint8)


def test_pictures_stand_in_aligned_columns_at_one_height():
    red, green, blue = (200, 0, 0), (0, 200, 0), (0, 0, 200)
    rows = [[flat(50, 100, red), flat(100, 100, green)], [flat(10, 10, blue)]]
    sheet = contact_sheet(rows, ["first", "second"], height=50)
    strip = LABEL_HEIGHT + 50 + GAP
    assert sheet.shape == (2 * strip, 100 + 50 + 3 * GAP, 3)
    top = LABEL_HEIGHT + 25
    assert tuple(sheet[top, GAP + 50]) == red
    assert tuple(sheet[top, 2 * GAP + 100 + 25]) == green
    assert tuple(sheet[strip + top, GAP + 25]) == blue
    assert (sheet[strip + top, GAP + 60 :] == 255).all()  # nothing where no picture is


def test_labels_are_written():
    plain = contact_sheet([[flat(40, 80, 9)]], [""], height=40)
    labelled = contact_sheet([[flat(40, 80, 9)]], ["a label"], height=40)
    assert (labelled[:LABEL_HEIGHT] != plain[:LABEL_HEIGHT]).any()
    assert (labelled[LABEL_HEIGHT:] == plain[LABEL_HEIGHT:]).all()
