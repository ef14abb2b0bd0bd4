import io

import numpy as np
import pytest
from PIL import Image

from models.errors import SinkFault, UsageError
from realtime.frames.frame import Frame, FrameFormat
from realtime.sinks.recording.animation_file import AnimationFile

LEVELS = (20, 90, 160, 230)


def write(path, times, durations, *, size=(48, 32), begin=None):
    width, height = size
    sink = AnimationFile(path)
    sink.open(FrameFormat(width, height, 10, live=False, begin=begin))
    for i, (time, duration) in enumerate(zip(times, durations, strict=True)):
        rgb = np.full((height, width, 3), LEVELS[i % 4], np.uint8)
        rgb[:, : width // 2] = (255, 0, 0)
        sink.write(Frame(rgb, i, 0.0, time, duration))
    sink.close()


def read(path):
    """Duration in ms and picture of each frame, as Pillow shows them."""
    image = Image.open(io.BytesIO(path.read_bytes()))
    for i in range(image.n_frames):
        image.seek(i)
        image.load()
        yield image.info["duration"], np.asarray(image.convert("RGB")).astype(int)


@pytest.mark.parametrize("suffix", [".gif", ".webp"])
@pytest.mark.parametrize("size", [(48, 32), (47, 31)])
def test_every_frame_has_its_colours_and_its_duration(tmp_path, suffix, size):
    path = tmp_path / f"out{suffix}"
    write(path, (5.0, 5.1, 5.3, 5.8), (0.1, 0.2, 0.5, 1.0), size=size)
    frames = list(read(path))
    assert [duration for duration, _ in frames] == [100, 200, 500, 1000]
    for level, (_, rgb) in zip(LEVELS, frames, strict=True):
        assert rgb.shape == (size[1], size[0], 3)
        assert np.abs(rgb[2:-2, :16] - (255, 0, 0)).mean() < 4
        assert np.abs(rgb[2:-2, 32:] - level).mean() < 4
    with Image.open(path) as image:
        assert image.info["loop"] == 0
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_a_gif_leaves_out_what_browsers_would_slow_down(tmp_path):
    times = [i / 60 for i in range(60)]
    write(tmp_path / "out.gif", times, [1 / 60] * 60)
    durations = [duration for duration, _ in read(tmp_path / "out.gif")]
    assert min(durations) >= 20
    assert sum(durations) == pytest.approx(1000, abs=30)


def test_a_first_picture_that_comes_late_is_shown_from_the_beginning(tmp_path):
    write(tmp_path / "out.gif", (1.0, 1.5), (0.5, 0.5), begin=0.0)
    assert [duration for duration, _ in read(tmp_path / "out.gif")] == [1500, 500]


def test_a_file_that_cannot_be_finished_leaves_the_old_one(tmp_path, monkeypatch):
    path = tmp_path / "out.gif"
    path.write_bytes(b"precious")
    sink = AnimationFile(path)
    sink.open(FrameFormat(48, 32, 10, live=False))
    sink.write(Frame(np.zeros((32, 48, 3), np.uint8), 0, 0.0, 0.0))
    monkeypatch.setattr(
        "realtime.sinks.recording.held_packet.HeldPacket.mux",
        lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")),
    )
    with pytest.raises(SinkFault, match="No space left"):
        sink.close()
    assert path.read_bytes() == b"precious"
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
    sink.close()


def test_no_picture_leaves_no_file(tmp_path):
    write(tmp_path / "out.webp", (), ())
    assert not list(tmp_path.iterdir())


def test_a_size_that_webp_cannot_hold_is_refused(tmp_path):
    sink = AnimationFile(tmp_path / "out.webp")
    with pytest.raises(UsageError, match="at most 16383 a side"):
        sink.open(FrameFormat(20000, 32, 10, live=False))
