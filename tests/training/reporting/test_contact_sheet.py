import numpy as np

from training.reporting.contact_sheet import (
    GAP,
    LABEL_HEIGHT,
    LINE_HEIGHT,
    Tile,
    contact_sheet,
    tile_sheet,
)


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


def test_tiles_stand_in_rows_with_their_words_around_them():
    red, blue = (200, 0, 0), (0, 0, 200)
    tiles = [
        Tile("a", flat(60, 120, red), ("b",)),
        Tile("nothing to see", None, ("the reason",)),
        Tile("c", flat(30, 30, blue), ()),
    ]
    sheet = tile_sheet(tiles, columns=2, width=120, height=60)
    cell = (LINE_HEIGHT * 2 + 60 + LINE_HEIGHT * 1 + 3 * GAP, 120 + 2 * GAP)
    top = GAP + LINE_HEIGHT * 2 + GAP
    assert sheet.shape[1] == 2 * cell[1]
    assert (sheet[top : top + 60, GAP : GAP + 120] == red).all()
    assert (sheet[top : top + 60, cell[1] :] == 255).all()
    blues = np.argwhere((sheet == blue).all(axis=-1))
    assert blues.min(axis=0)[0] > top + 60
    assert np.ptp(blues, axis=0).tolist() == [59, 59]  # enlarged to the height of a tile
    assert (sheet[:top, cell[1] :] != 255).any()
    assert (sheet[top + 60 : top + 60 + 2 * LINE_HEIGHT, cell[1] :] != 255).any()


def test_long_words_make_a_tile_higher_but_not_wider():
    short, long = (
        tile_sheet([Tile("x", flat(60, 120, 9), (text,))], columns=1, width=120, height=60)
        for text in ("word", "word " * 20)
    )
    assert long.shape[1] == short.shape[1]
    assert long.shape[0] > short.shape[0]
