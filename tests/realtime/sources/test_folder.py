import logging

import cv2
import numpy as np
import pytest
from hypothesis import given, strategies

from models.errors import SourceFault, UsageError
from realtime.sources import EndOfSource
from realtime.sources.folder import Folder, natural_order


def write(path, level, size=(16, 12)):
    width, height = size
    _, data = cv2.imencode(path.suffix, np.full((height, width, 3), level, np.uint8))
    path.write_bytes(data.tobytes())


def levels(source):
    found = []
    try:
        while True:
            found.append(int(source.read().rgb.mean()))
    except EndOfSource:
        return found


def test_pictures_come_once_each_as_people_count_them(tmp_path):
    for number in (10, 9, 1):
        write(tmp_path / f"p{number}.png", number)
    (tmp_path / "notes.txt").write_text("left alone")
    source = Folder(tmp_path, fps=None, paced=False)
    opened = source.open()
    assert (opened.width, opened.height, opened.frame_count) == (16, 12, 3)
    assert levels(source) == [1, 9, 10]


def test_frames_are_numbered_and_spaced_by_the_rate(tmp_path):
    for number in range(3):
        write(tmp_path / f"{number}.png", number)
    source = Folder(tmp_path, fps=4, paced=False)
    source.open()
    frames = [source.read() for _ in range(3)]
    assert [(frame.index, frame.timestamp) for frame in frames] == [(0, 0), (1, 0.25), (2, 0.5)]


def test_a_corrupt_picture_is_left_out_with_a_warning(tmp_path, caplog):
    (tmp_path / "0.png").write_bytes(b"nothing")
    write(tmp_path / "1.png", 1)
    (tmp_path / "2.jpg").write_bytes(b"")
    write(tmp_path / "3.png", 3)
    source = Folder(tmp_path, fps=None, paced=False)
    with caplog.at_level(logging.WARNING):
        source.open()
        assert levels(source) == [1, 3]
    warned = [record.getMessage() for record in caplog.records]
    assert len(warned) == 2
    assert "0.png" in warned[0] and "2.jpg" in warned[1]


def test_a_picture_of_another_size_is_letterboxed_to_the_first(tmp_path):
    write(tmp_path / "1.png", 200, size=(16, 12))
    write(tmp_path / "2.png", 200, size=(12, 40))
    source = Folder(tmp_path, fps=None, paced=False)
    source.open()
    source.read()
    rgb = source.read().rgb
    assert rgb.shape == (12, 16, 3)
    assert rgb[6, 8].min() > 190
    assert rgb[6, 0].max() < 10


def test_in_a_slide_show_each_is_shown_for_three_seconds(tmp_path):
    write(tmp_path / "1.png", 10)
    write(tmp_path / "2.png", 20)
    source = Folder(tmp_path, fps=2, paced=True)
    opened = source.open()
    assert opened.live
    assert opened.frame_count == 12
    source.close()


def test_a_loop_begins_again(tmp_path):
    write(tmp_path / "1.png", 10)
    write(tmp_path / "2.png", 20)
    source = Folder(tmp_path, fps=30, paced=False, loop=True)
    assert source.open().frame_count is None
    frames = [source.read() for _ in range(5)]
    assert [int(frame.rgb.mean()) for frame in frames] == [10, 20, 10, 20, 10]
    assert [frame.index for frame in frames] == list(range(5))


def test_a_folder_without_pictures_is_a_usage_error(tmp_path):
    (tmp_path / "notes.txt").write_text("no picture")
    with pytest.raises(UsageError, match="no pictures in this folder"):
        Folder(tmp_path, fps=None, paced=False).open()


def test_a_folder_of_damaged_pictures_is_a_fault(tmp_path):
    (tmp_path / "1.png").write_bytes(b"nothing")
    with pytest.raises(SourceFault, match="none of its 1 pictures can be read"):
        Folder(tmp_path, fps=None, paced=False).open()


def test_nothing_comes_after_close(tmp_path):
    write(tmp_path / "1.png", 10)
    source = Folder(tmp_path, fps=None, paced=False, loop=True)
    source.close()
    source.open()
    source.close()
    source.close()
    with pytest.raises(EndOfSource):
        source.read()


@given(strategies.lists(strategies.integers(0, 10**6), unique=True))
def test_numbers_in_names_sort_as_numbers(numbers):
    from pathlib import Path

    names = [Path(f"IMG_{number}.jpg") for number in numbers]
    ordered = [int(path.stem.removeprefix("IMG_")) for path in sorted(names, key=natural_order)]
    assert ordered == sorted(numbers)
