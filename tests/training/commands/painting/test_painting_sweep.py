from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the train extra")

from models.errors import UsageError
from training.commands.painting.sweep import (
    check_sweep,
    combinations,
    parse_sweep,
    sweep_sheet,
    trial_path,
)

LISTS = {"style_weight": ["25", "50"], "style_scale": ["0.5", "1", "2"]}


def test_lists_are_read_as_they_are_written():
    assert parse_sweep(["style_weight=25,50", "--style-scale=0.5, 1,2,2"]) == LISTS


@pytest.mark.parametrize("texts", [["style_weight"], ["=1"], ["a=1", "a=2"], ["style_weight=,"]])
def test_other_texts_are_refused(texts):
    if texts == ["=1"]:
        with pytest.raises(UsageError):
            check_sweep({}, None, combinations(parse_sweep(texts)))
        return
    with pytest.raises(UsageError, match="--sweep"):
        parse_sweep(texts)


def test_every_combination_is_a_painting_of_its_own():
    settings = check_sweep({"tv_weight": 3.0}, None, combinations(LISTS))
    assert [(s.style_weight, s.style_scale) for s in settings] == [
        (25, 0.5),
        (25, 1),
        (25, 2),
        (50, 0.5),
        (50, 1),
        (50, 2),
    ]
    assert {s.tv_weight for s in settings} == {3.0}
    paths = {trial_path(Path("a/grid.png"), values) for values in combinations(LISTS)}
    assert len(paths) == 6
    assert all(path.parent == Path("a/grid-sweep") for path in paths)


@pytest.mark.parametrize("values", [{"style_weight": "much"}, {"gone": "1"}])
def test_what_cannot_be_set_is_refused(values):
    with pytest.raises(UsageError, match=f"--{next(iter(values)).replace('_', '-')}"):
        check_sweep({}, None, [values])


def test_the_sheet_has_a_picture_in_each_place():
    pictures = [np.full((60, 80, 3), 30 * number + 20, np.uint8) for number in range(6)]
    sheet = sweep_sheet(LISTS, pictures)
    rows, columns = sheet.shape[0] // 2, sheet.shape[1] // 3
    for number in range(6):
        row, column = divmod(number, 3)
        cell = sheet[row * rows : (row + 1) * rows, column * columns : (column + 1) * columns]
        assert (cell == 30 * number + 20).all(axis=-1).sum() > 0.9 * 60 * 80
