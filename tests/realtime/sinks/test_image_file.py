import resource
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, strategies

from models.errors import SinkFault, UsageError
from realtime.frames.frame import Frame, FrameFormat
from realtime.sinks.image_file import ImageFile, numbered, write_picture

ROOT = Path(__file__).parents[3]
FORMAT = FrameFormat(16, 12, 30, live=False)


def frame(index, level=None):
    return Frame(np.full((12, 16, 3), level or index, np.uint8), index, 0.0, index / 30)


def read(path):
    return cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_COLOR)[..., ::-1]


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".JPEG", ".webp"])
def test_colours_survive_in_the_right_order(tmp_path, suffix):
    rgb = np.zeros((32, 48, 3), np.uint8)
    rgb[:, :16, 0] = rgb[:, 16:32, 1] = rgb[:, 32:, 2] = 255
    path = tmp_path / f"out{suffix}"
    write_picture(path, rgb)
    got = read(path).astype(int)
    assert got.shape == rgb.shape
    for x in (8, 24, 40):
        assert np.abs(got[16, x] - rgb[16, x]).max() <= 8


def test_one_file_holds_the_newest_frame_once_closed(tmp_path):
    path = tmp_path / "out.png"
    sink = ImageFile(str(path))
    sink.open(FORMAT)
    for i in range(4):
        sink.write(frame(i))
    assert not path.exists()
    sink.close()
    sink.close()
    assert (read(path) == 3).all()
    assert [p.name for p in tmp_path.iterdir()] == ["out.png"]


def test_without_a_frame_an_old_file_stays(tmp_path):
    path = tmp_path / "out.png"
    path.write_bytes(b"old")
    sink = ImageFile(str(path))
    sink.open(FORMAT)
    sink.close()
    assert path.read_bytes() == b"old"


def test_a_pattern_numbers_every_frame(tmp_path):
    sink = ImageFile(str(tmp_path / "out-%03d.png"))
    sink.open(FORMAT)
    for i in (0, 1, 12):
        sink.write(frame(i))
    sink.close()
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "out-000.png",
        "out-001.png",
        "out-012.png",
    ]
    assert (read(tmp_path / "out-012.png") == 12).all()


def test_a_folder_is_created_and_filled(tmp_path):
    sink = ImageFile(f"{tmp_path}/new/frames/")
    sink.open(FORMAT)
    sink.write(frame(0))
    sink.write(frame(1))
    sink.close()
    names = sorted(p.name for p in (tmp_path / "new" / "frames").iterdir())
    assert names == ["frame-000000.png", "frame-000001.png"]


@pytest.mark.parametrize("name", ["out.gif", "out", "out.mp4"])
def test_another_suffix_is_refused_with_the_choices(tmp_path, name):
    with pytest.raises(UsageError, match=r"one of: \.png, \.jpg") as caught:
        ImageFile(str(tmp_path / name))
    assert caught.value.exit_code == 2
    assert str(tmp_path / name) in str(caught.value)


@pytest.mark.parametrize("name", ["missing/out.png", "missing/%d.png"])
def test_a_missing_folder_is_refused_at_open(tmp_path, name):
    with pytest.raises(UsageError, match="there is no folder"):
        ImageFile(str(tmp_path / name)).open(FORMAT)


def test_a_place_that_cannot_be_written_is_refused_at_open(tmp_path):
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(UsageError, match="is a folder"):
        ImageFile(str(tmp_path / "folder.png")).open(FORMAT)
    with pytest.raises(UsageError, match="cannot be written"):
        ImageFile("/proc/out.png").open(FORMAT)
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot be created"):
        ImageFile(f"{tmp_path}/file/frames/").open(FORMAT)


def test_looking_whether_it_can_be_written_leaves_nothing(tmp_path):
    ImageFile(str(tmp_path / "out.png")).open(FORMAT)
    assert list(tmp_path.iterdir()) == []


def test_on_a_full_disk_the_old_picture_stays_whole_and_nothing_half_is_left(tmp_path):
    """A limit on the size of files stands in for the full disk."""
    path = tmp_path / "out.png"
    write_picture(path, np.zeros((8, 8, 3), np.uint8))
    before = path.read_bytes()
    code = f"""
import resource, numpy as np
from pathlib import Path
from models.errors import SinkFault
from realtime.sinks.image_file import write_picture
resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))
noise = np.random.default_rng(1).integers(0, 255, (99, 99, 3), dtype=np.uint8)
try:
    write_picture(Path({str(path)!r}), noise)
except SinkFault as fault:
    print(fault)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == f"{path}: cannot be written: File too large\n"
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["out.png"]
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 5000


def test_a_folder_that_vanishes_is_a_fault(tmp_path):
    with pytest.raises(SinkFault, match="cannot be written"):
        write_picture(tmp_path / "gone" / "out.png", np.zeros((8, 8, 3), np.uint8))


@given(number=strategies.integers(0, 10**9), width=strategies.integers(1, 9))
def test_patterns_number_as_in_c(number, width):
    pattern = f"a%0{width}d.png"
    assert numbered(Path(pattern), number).name == pattern % number
    assert numbered(Path("x/a%d.png"), number) == Path(f"x/a{number}.png")
