import logging
import shutil
import subprocess
import wave
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from models.errors import SourceFault, UsageError
from realtime.frames.frame import Frame
from realtime.sources import EndOfSource
from realtime.sources.video_file import VideoFile
from tests.fakes import assert_close_wakes_a_reader

VTEST = Path("/usr/share/doc/opencv-doc/examples/data/vtest.avi")


def read_all(source: VideoFile) -> list[Frame]:
    frames = []
    try:
        while True:
            frames.append(source.read())
    except EndOfSource:
        return frames


def test_every_frame_comes_once_and_in_order(make_clip):
    source = VideoFile(make_clip(), paced=False)
    source.open()
    frames = read_all(source)
    source.close()

    assert [frame.index for frame in frames] == list(range(12))
    levels = [float(frame.rgb.mean()) for frame in frames]
    assert levels == pytest.approx([20 + 5 * i for i in range(12)], abs=3)


def test_timestamps_are_the_files_own_from_its_first_frame(make_clip):
    times = (0.5, 0.6, 1.0, 1.05, 2.5)
    source = VideoFile(make_clip(times=times), paced=False)
    source.open()
    stamps = [frame.timestamp for frame in read_all(source)]
    assert stamps == pytest.approx([t - 0.5 for t in times], abs=0.002)


def test_the_format_is_the_files(make_clip):
    given = VideoFile(make_clip("clip.mp4"), paced=False).open()
    assert (given.width, given.height, given.fps) == (64, 48, 10)
    assert given.frame_count == 12
    assert not given.live


def test_a_paced_file_counts_as_live(make_clip):
    assert VideoFile(make_clip(), paced=True).open().live


def test_red_stays_red_and_blue_stays_blue(make_clip):
    picture = np.zeros((48, 64, 3), np.uint8)
    picture[:, :32, 0] = 255
    picture[:, 32:, 2] = 255
    source = VideoFile(make_clip(times=(0, 0.1), pictures=[picture, picture]), paced=False)
    source.open()
    rgb = source.read().rgb
    assert rgb.dtype == np.uint8
    assert np.abs(rgb[24, 10].astype(int) - (255, 0, 0)).max() < 12
    assert np.abs(rgb[24, 54].astype(int) - (0, 0, 255)).max() < 12


@pytest.mark.parametrize(
    ("rotation", "corner"), [(90, "bottom left"), (180, "bottom right"), (-90, "top right")]
)
def test_a_video_filmed_sideways_comes_upright(make_clip, rotation, corner):
    picture = np.zeros((48, 64, 3), np.uint8)
    picture[:16, :16] = 255  # top left as stored; turned counter-clockwise by `rotation`
    clip = make_clip("clip.mp4", times=(0, 0.1), pictures=[picture] * 2, rotation=rotation)
    source = VideoFile(clip, paced=False)
    given = source.open()
    rgb = source.read().rgb

    height, width = rgb.shape[:2]
    assert (width, height) == ((64, 48) if rotation == 180 else (48, 64))
    assert (given.width, given.height) == (width, height)
    y = 4 if "top" in corner else height - 5
    x = 4 if "left" in corner else width - 5
    assert rgb[y, x].mean() > 200
    assert rgb.mean() < 100


@pytest.mark.parametrize(("rotation", "size"), [(0, (96, 48)), (90, (48, 96))])
def test_pixels_that_are_not_square_become_square(make_clip, rotation, size):
    picture = np.zeros((48, 64, 3), np.uint8)
    picture[:, 32:] = 255
    aspect = Fraction(3, 2)
    clip = make_clip(
        "clip.mkv" if rotation == 0 else "clip.mp4",
        times=(0, 0.1), pictures=[picture] * 2, rotation=rotation, pixel_aspect=aspect,
    )  # fmt: skip
    source = VideoFile(clip, paced=False)
    given = source.open()
    rgb = source.read().rgb
    assert (given.width, given.height) == size == (rgb.shape[1], rgb.shape[0])
    assert rgb.mean() == pytest.approx(127.5, abs=4)


def test_a_loop_goes_on_counting(make_clip):
    source = VideoFile(make_clip(times=(0, 0.1, 0.2)), paced=False, loop=True)
    assert source.open().frame_count is None
    frames = [source.read() for _ in range(8)]
    assert [frame.index for frame in frames] == list(range(8))
    assert [frame.timestamp for frame in frames] == pytest.approx(
        [i / 10 for i in range(8)], abs=0.002
    )
    assert float(frames[3].rgb.mean()) == pytest.approx(20, abs=3)
    source.close()
    with pytest.raises(EndOfSource):
        source.read()


def test_a_file_opened_again_goes_on_counting(make_clip):
    source = VideoFile(make_clip(times=(0, 0.1)), paced=False)
    source.open()
    first = read_all(source)
    source.open()
    second = read_all(source)
    assert [frame.index for frame in first + second] == [0, 1, 2, 3]
    assert second[0].timestamp > first[-1].timestamp


def test_a_paced_file_gives_no_frame_before_its_time(make_clip):
    source = VideoFile(make_clip(times=(0, 0.05, 0.1, 0.2)), paced=True)
    source.open()
    frames = read_all(source)
    start = frames[0].captured
    assert len(frames) == 4
    for frame in frames:
        assert frame.captured - start >= frame.timestamp - 0.002


def test_close_wakes_a_reader_that_waits_for_a_frames_time(make_clip):
    source = VideoFile(make_clip(times=(0, 600)), paced=True)
    source.open()
    source.read()
    assert_close_wakes_a_reader(source)


@pytest.mark.parametrize(
    ("name", "encoder"), [("clip.avi", "mpeg4"), ("clip.mkv", "libx264"), ("clip.ts", "libx264")]
)
@pytest.mark.parametrize("damage", ["cut off", "overwritten"])
def test_a_damaged_file_gives_the_frames_that_came(make_clip, caplog, name, encoder, damage):
    noise = np.random.default_rng(1).integers(0, 255, (40, 48, 64, 3), dtype=np.uint8)
    times = [i / 10 for i in range(40)]
    clip = make_clip(name, times=times, pictures=list(noise), encoder=encoder)
    data = clip.read_bytes()
    half = len(data) // 2
    tail = b"" if damage == "cut off" else b"\x00\xff\x13" * (half // 3)
    damaged = clip.with_stem("damaged")
    damaged.write_bytes(data[:half] + tail)

    source = VideoFile(damaged, paced=False)
    with caplog.at_level(logging.WARNING):
        source.open()
        frames = read_all(source)
    assert 5 <= len(frames) < 40
    assert all(frame.rgb.shape == (48, 64, 3) for frame in frames)
    if name != "clip.ts":  # a transport stream does not say how long it is
        warned = [record.getMessage() for record in caplog.records]
        assert len(warned) == 1
        assert str(damaged) in warned[0] and "damaged or cut off" in warned[0]


def test_a_whole_file_gives_no_warning(make_clip, caplog):
    for name in ("clip.mkv", "clip.mp4", "clip.mov"):
        source = VideoFile(make_clip(name), paced=False)
        source.open()
        read_all(source)
    assert not caplog.records


@pytest.mark.parametrize("content", [b"", b"some text\n" * 200, bytes(range(256)) * 20])
@pytest.mark.parametrize("name", ["clip.mp4", "clip.avi", "notes.txt"])
def test_a_file_that_is_no_video_is_one_clear_line(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(SourceFault) as caught:
        VideoFile(path, paced=False).open()
    assert str(path) in str(caught.value)
    assert "video" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 1


def test_a_sound_file_is_refused_for_having_no_video(tmp_path):
    path = tmp_path / "song.wav"
    with wave.open(str(path), "wb") as song:
        song.setparams((1, 2, 8000, 0, "NONE", ""))
        song.writeframes(b"\x00\x01" * 8000)
    with pytest.raises(SourceFault, match=r"song\.wav: there is no video in it, only audio"):
        VideoFile(path, paced=False).open()


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is missing")
def test_the_cover_of_a_song_is_no_video(tmp_path):
    path = tmp_path / "song.mp3"
    command = "ffmpeg -v error -f lavfi -i sine=d=1 -f lavfi -i color=s=64x64:d=0.04 -map 0 -map 1"
    options = "-c:v mjpeg -frames:v 1 -disposition:v attached_pic"
    subprocess.run([*command.split(), *options.split(), path], check=True)
    with pytest.raises(SourceFault, match="no video in it, only audio"):
        VideoFile(path, paced=False).open()


def test_a_missing_file_is_a_usage_error(tmp_path):
    with pytest.raises(UsageError, match=r"x\.mp4: no such file"):
        VideoFile(tmp_path / "x.mp4", paced=False).open()


def test_close_may_come_early_and_twice(make_clip):
    source = VideoFile(make_clip(), paced=False)
    source.close()
    source.open()
    source.close()
    source.close()
    with pytest.raises(EndOfSource):
        source.read()


@pytest.mark.skipif(not VTEST.is_file(), reason="vtest.avi is missing (package opencv-doc)")
def test_vtest_has_795_frames_at_10_a_second():
    source = VideoFile(VTEST, paced=False)
    given = source.open()
    assert (given.width, given.height, given.fps, given.frame_count) == (768, 576, 10, 795)
    frames = 0
    try:
        while True:
            last = source.read()
            frames += 1
    except EndOfSource:
        source.close()
    assert frames == 795
    assert last.timestamp == pytest.approx(79.4)
