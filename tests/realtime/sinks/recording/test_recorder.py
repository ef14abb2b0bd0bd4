import json
import logging
import os
import shutil
import signal
import socket
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given, settings, strategies

from models.errors import SinkFault, UsageError
from realtime.frames.frame import Frame, FrameFormat
from realtime.sinks.recording.recorder import CONTAINERS, Recorder
from realtime.sinks.recording.video.encoder import fine_step

ROOT = Path(__file__).parents[4]
VTEST = Path("/usr/share/doc/opencv-doc/examples/data/vtest.avi")
SUFFIXES = list(CONTAINERS)
needs_ffprobe = pytest.mark.skipif(shutil.which("ffprobe") is None, reason="ffprobe is missing")
needs_ffmpeg = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is missing")
needs_vtest = pytest.mark.skipif(
    not VTEST.is_file(), reason="vtest.avi is missing (package opencv-doc)"
)

PATCHES = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0), (200, 150, 40)]


def patches(width, height):
    """Vertical bars of known colours."""
    rgb = np.zeros((height, width, 3), np.uint8)
    for i, colour in enumerate(PATCHES):
        rgb[:, i * width // 6 : (i + 1) * width // 6] = colour
    return rgb


def grey(level, size=(64, 48)):
    return np.full((size[1], size[0], 3), level, np.uint8)


def record(path, pictures, times, *, fps=10.0, live=False, **options):
    height, width = pictures[0].shape[:2]
    recorder = Recorder(path, **options)
    recorder.open(FrameFormat(width, height, fps, live=live))
    for i, (rgb, seconds) in enumerate(zip(pictures, times, strict=True)):
        recorder.write(Frame(rgb, i, 0.0, seconds))
    recorder.close()
    recorder.close()
    return path


def test_a_name_like_an_address_is_a_file_and_opens_no_connection(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        path = Path(f"tcp:127.0.0.1:{server.getsockname()[1]}.mp4")
        record(path, [grey(90)] * 3, [0.0, 0.1, 0.2])
        with pytest.raises(BlockingIOError):
            server.accept()
    assert len(decode(path.absolute())[0]) == 3


def decode(path):
    """Every picture and its time in seconds, in order."""
    with av.open(f"file:{path}") as container:
        frames = list(container.decode(video=0))
        return [f.to_ndarray(format="rgb24") for f in frames], [f.time for f in frames]


def probe(path):
    command = "ffprobe -v error -count_frames -show_streams -show_format -of json"
    done = subprocess.run([*command.split(), path], capture_output=True, check=True)
    assert not done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("live", [False, True])
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_frame_comes_back_in_order_at_its_time(tmp_path, suffix, live):
    levels = [30 + 6 * i for i in range(25)]
    times = [i / 10 for i in range(25)]
    path = record(tmp_path / f"out{suffix}", [grey(level) for level in levels], times, live=live)
    pictures, stamps = decode(path)
    assert [float(rgb.mean()) for rgb in pictures] == pytest.approx(levels, abs=4)
    # In AVI a picture carries no time of its own: readers differ by one frame.
    start = stamps[0] if suffix == ".avi" else 0
    assert [seconds - start for seconds in stamps] == pytest.approx(times, abs=0.002)
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("live", [False, True])
@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".webm"])
def test_irregular_times_are_kept_counted_from_the_first(tmp_path, suffix, live):
    times = [7.0, 7.05, 7.4, 7.41, 9.0]
    path = record(tmp_path / f"out{suffix}", [grey(100)] * 5, times, fps=30, live=live)
    assert decode(path)[1] == pytest.approx([t - 7 for t in times], abs=0.002)


def test_frames_of_the_same_time_are_all_kept(tmp_path):
    path = record(tmp_path / "out.mp4", [grey(100)] * 4, [0.0, 0.0, 0.0, 0.1])
    stamps = decode(path)[1]
    assert len(stamps) == 4
    assert stamps == sorted(set(stamps))


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("size", [(96, 64), (1280, 720)])
def test_colours_come_back(tmp_path, suffix, size):
    picture = patches(*size)
    path = record(tmp_path / f"out{suffix}", [picture] * 3, [0, 0.1, 0.2])
    back = decode(path)[0][-1]
    assert back.shape == picture.shape
    for i, colour in enumerate(PATCHES):
        x = round((i + 0.5) * size[0] / 6)
        assert np.abs(back[size[1] // 2, x].astype(int) - colour).max() <= 6, colour


@needs_ffmpeg
@pytest.mark.parametrize("size", [(96, 64), (1280, 720)])
def test_colours_come_back_in_another_program(tmp_path, size):
    """FFmpeg's own command, which goes by the tags in the file."""
    path = record(tmp_path / "out.mp4", [patches(*size)] * 2, [0, 0.1])
    command = f"ffmpeg -v error -i {path} -frames:v 1 -f rawvideo -pix_fmt rgb24 -"
    raw = subprocess.run(command.split(), capture_output=True, check=True).stdout
    back = np.frombuffer(raw, np.uint8).reshape(size[1], size[0], 3)
    for i, colour in enumerate(PATCHES):
        x = round((i + 0.5) * size[0] / 6)
        assert np.abs(back[size[1] // 2, x].astype(int) - colour).max() <= 6, colour


@pytest.mark.parametrize(("size", "padded"), [((65, 49), (66, 50)), ((1, 1), (2, 2))])
def test_an_odd_size_gains_a_line_that_repeats_the_last(tmp_path, size, padded):
    path = record(tmp_path / "out.mkv", [grey(180, size)] * 2, [0, 0.1])
    back = decode(path)[0][0]
    assert (back.shape[1], back.shape[0]) == padded
    assert np.abs(back.astype(int) - 180).max() <= 4


@needs_ffprobe
@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("rate", [Fraction(25), Fraction(30000, 1001), Fraction(24000, 1001)])
def test_ffprobe_sees_the_rate_the_count_and_the_duration(tmp_path, suffix, rate):
    times = [float(i / rate) for i in range(50)]
    path = record(tmp_path / f"out{suffix}", [grey(i) for i in range(50)], times, fps=float(rate))
    probed = probe(path)
    stream = probed["streams"][0]
    assert int(stream["nb_read_frames"]) == 50
    assert float(Fraction(stream["avg_frame_rate"])) == pytest.approx(float(rate), rel=1e-3)
    assert float(probed["format"]["duration"]) == pytest.approx(50 / float(rate), abs=0.002)
    if suffix in (".mp4", ".mov", ".avi"):
        assert Fraction(stream["avg_frame_rate"]) == rate
        assert Fraction(stream["r_frame_rate"]) == rate
        assert int(stream["nb_frames"]) == 50


@needs_ffprobe
@needs_vtest
def test_vtest_keeps_its_count_rate_size_and_duration(tmp_path):
    from realtime.sources import EndOfSource
    from realtime.sources.video_file import VideoFile

    source = VideoFile(VTEST, paced=False)
    recorder = Recorder(tmp_path / "out.mp4", crf=35)
    recorder.open(source.open())
    try:
        while True:
            recorder.write(source.read())
    except EndOfSource:
        recorder.close()
        source.close()
    stream = probe(tmp_path / "out.mp4")["streams"][0]
    assert stream["codec_name"] == "h264"
    assert (stream["width"], stream["height"]) == (768, 576)
    assert int(stream["nb_frames"]) == int(stream["nb_read_frames"]) == 795
    assert stream["r_frame_rate"] == stream["avg_frame_rate"] == "10/1"
    assert float(stream["duration"]) == 79.5


def boxes(path):
    """The names of an MP4's top-level boxes."""
    data, found, at = path.read_bytes(), [], 0
    while at < len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        found.append(data[at + 4 : at + 8].decode())
        at += size
    return found


def test_a_finished_mp4_is_plain_with_its_index_first(tmp_path):
    path = record(tmp_path / "out.mp4", [grey(9)] * 30, [i / 10 for i in range(30)])
    found = boxes(path)
    assert "moof" not in found
    assert found.index("moov") < found.index("mdat")


def test_where_the_rewriting_fails_the_fragmented_file_stays(tmp_path, caplog, monkeypatch):
    path = tmp_path / "out.mp4"
    (tmp_path / f".{os.getpid()}.out.mp4.partial").mkdir()  # in the way of the rewriting
    with caplog.at_level(logging.WARNING):
        record(path, [grey(100)] * 30, [i / 10 for i in range(30)])
    assert "moof" in boxes(path)
    assert "stays in fragments" in caplog.text
    assert len(decode(path)[0]) == 30


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "disk").mkdir()
    link = tmp_path / "out.mp4"
    link.symlink_to(tmp_path / "disk" / "real.mp4")
    record(link, [grey(100)] * 3, [0, 0.1, 0.2])
    assert link.is_symlink()
    assert len(decode(tmp_path / "disk" / "real.mp4")[0]) == 3


RECORD_FOR_EVER = """
import itertools, sys, time
from pathlib import Path
import numpy as np
from realtime.frames.frame import Frame, FrameFormat
from realtime.sinks.recording.recorder import Recorder

recorder = Recorder(Path(sys.argv[1]))
recorder.open(FrameFormat(320, 240, 30, live=sys.argv[2] == "live"))
noise = np.random.default_rng(1).integers(0, 255, (8, 240, 320, 3), dtype=np.uint8)
for i in itertools.count():
    recorder.write(Frame(noise[i % 8], i, 0.0, i / 30))
    print(i, flush=True)
    time.sleep(0.002)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")
@pytest.mark.parametrize(("kind", "held"), [("file", 40), ("live", 2)])
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_killed_recording_plays_up_to_about_the_last_second(tmp_path, suffix, kind, held):
    path = tmp_path / f"out{suffix}"
    written = 0
    with subprocess.Popen(
        [sys.executable, "-c", RECORD_FOR_EVER, path, kind],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            written = int(line) + 1
            if written >= 200:
                process.kill()
                break
        written += len(process.stdout.read().split())
    assert process.returncode == -signal.SIGKILL

    container = av.open(str(path))
    decoded = 0
    try:
        for _ in container.decode(video=0):
            decoded += 1
    except av.FFmpegError:
        pass  # the last frame may be cut in two
    container.close()
    # One second between key frames, and the frames that the encoder and the recorder hold.
    assert decoded >= written - 30 - held - 1
    assert decoded >= 120


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_while_no_picture_comes_the_newest_gets_into_the_file(tmp_path, suffix):
    path, copy = tmp_path / f"out{suffix}", tmp_path / f"copy{suffix}"
    recorder = Recorder(path)
    recorder.open(FrameFormat(64, 48, 10, live=True))
    recorder.pump()
    recorder.write(Frame(grey(40), 0, 0.0, 3.0))
    recorder.pump()
    recorder.pump()
    shutil.copy(path, copy)
    assert decode(copy)[0][0].mean() == pytest.approx(40, abs=4)
    recorder.write(Frame(grey(200), 1, 0.0, 7.0))
    recorder.close()
    shown, times = decode(path)
    assert [round(rgb.mean(), -1) for rgb in shown] == [40, 40, 200]
    assert times[2] - times[0] == pytest.approx(4.0, abs=0.002)


def test_what_is_not_live_waits_for_the_next_picture(tmp_path):
    recorder = Recorder(tmp_path / "out.mp4")
    recorder.open(FrameFormat(64, 48, 10, live=False))
    for index in range(3):
        recorder.write(Frame(grey(90), index, 0.0, index / 10))
        recorder.pump()
    recorder.close()
    assert decode(tmp_path / "out.mp4")[1] == pytest.approx([0.0, 0.1, 0.2])


def test_a_full_disk_is_one_clear_line_and_close_does_not_repeat_it(tmp_path):
    path = tmp_path / "out.mkv"
    path.symlink_to("/dev/full")
    recorder = Recorder(path)
    recorder.open(FrameFormat(320, 240, 30, live=False))
    noise = np.random.default_rng(1).integers(0, 255, (240, 320, 3), dtype=np.uint8)
    with pytest.raises(SinkFault) as caught:
        for i in range(500):
            recorder.write(Frame(noise, i, 0.0, i / 30))
    assert str(caught.value) == f"{path}: recording stopped (No space left on device)"
    assert caught.value.exit_code == 1
    recorder.close()
    recorder.close()


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_what_was_written_before_the_disk_was_full_can_be_played(tmp_path, suffix):
    """A limit on the size of files stands in for the full disk."""
    path = tmp_path / f"out{suffix}"
    code = f"""
import resource, numpy as np
from pathlib import Path
from models.errors import SinkFault
from realtime.frames.frame import Frame, FrameFormat
from realtime.sinks.recording.recorder import Recorder
resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
noise = np.random.default_rng(1).integers(0, 255, (120, 160, 3), dtype=np.uint8)
recorder = Recorder(Path({str(path)!r}))
recorder.open(FrameFormat(160, 120, 30, live=False))
try:
    for i in range(2000):
        recorder.write(Frame(np.roll(noise, i, 0), i, 0.0, i / 30))
except SinkFault as fault:
    print(fault)
    recorder.close()
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == f"{path}: recording stopped (File too large)\n"
    assert done.stderr == ""
    decoded = 0
    with av.open(str(path)) as container:
        try:
            for _ in container.decode(video=0):
                decoded += 1
        except av.FFmpegError:
            pass
    assert decoded >= 10
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("name", ["out.gif", "out", "out.xyz"])
def test_another_suffix_is_refused_with_the_choices(tmp_path, name):
    with pytest.raises(UsageError) as caught:
        Recorder(tmp_path / name)
    assert "one of: .mp4, .mov, .mkv, .webm, .avi" in str(caught.value)
    assert str(tmp_path / name) in str(caught.value)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("path", "reason"),
    [("missing/out.mp4", "there is no folder"), ("folder.mp4", "is a folder")],
)
def test_an_impossible_place_is_refused_at_open(tmp_path, path, reason):
    (tmp_path / "folder.mp4").mkdir()
    with pytest.raises(UsageError, match=reason):
        Recorder(tmp_path / path).open(FrameFormat(64, 48, 30, live=False))


def test_a_folder_that_cannot_be_written_is_refused_at_open():
    with pytest.raises(UsageError, match=r"/proc/out\.mp4: cannot be written"):
        Recorder(Path("/proc/out.mp4")).open(FrameFormat(64, 48, 30, live=False))


def test_a_frame_of_another_size_is_a_fault_and_the_rest_is_finished(tmp_path):
    recorder = Recorder(tmp_path / "out.mp4")
    recorder.open(FrameFormat(64, 48, 10, live=False))
    recorder.write(Frame(grey(9), 0, 0.0, 0.0))
    with pytest.raises(SinkFault, match="a frame of 32×24 in a recording of 64×48"):
        recorder.write(Frame(grey(9, (32, 24)), 1, 0.0, 0.1))
    recorder.close()
    assert len(decode(tmp_path / "out.mp4")[0]) == 1


def test_without_a_frame_an_old_file_stays(tmp_path):
    path = tmp_path / "out.mp4"
    path.write_bytes(b"old")
    recorder = Recorder(path)
    recorder.open(FrameFormat(64, 48, 10, live=False))
    recorder.close()
    assert path.read_bytes() == b"old"


def test_without_h264_it_records_mpeg4_and_says_so(tmp_path, caplog):
    with caplog.at_level(logging.WARNING):
        path = record(
            tmp_path / "out.mp4", [patches(96, 64)] * 3, [0, 0.1, 0.2], encoders={"mpeg4"}
        )
    assert caplog.text.count("recording MPEG-4") == 1
    with av.open(str(path)) as container:
        assert container.streams.video[0].codec_context.name == "mpeg4"
    pictures, _ = decode(path)
    assert len(pictures) == 3
    assert np.abs(pictures[0][32, 8].astype(int) - (255, 0, 0)).max() <= 12


def test_without_any_encoder_the_refusal_names_them(tmp_path):
    with pytest.raises(UsageError, match=r"no encoder for \.webm"):
        Recorder(tmp_path / "out.webm", encoders={"libx264"})


def test_a_larger_recording_may_take_longer_to_finish(tmp_path):
    path = record(tmp_path / "clip.mp4", [grey(9)] * 2, [0, 0.1])
    recorder = Recorder(path)
    with path.open("r+b") as file:
        file.truncate(20_000_000_000)
    assert recorder.close_timeout > 600
    assert Recorder(path.with_suffix(".mkv")).close_timeout == 0


@pytest.fixture
def clip_with_sound(tmp_path):
    """Four seconds of silence but for a tone from 2.0 to 2.5 s."""
    if shutil.which("ffmpeg") is None:
        pytest.skip("ffmpeg is missing")

    def make(codec):
        path = tmp_path / f"source-{codec}.mkv"
        tone = "aevalsrc=if(between(t\\,2\\,2.5)\\,0.5*sin(2000*t)\\,0):d=4:s=48000"
        command = f"ffmpeg -v error -f lavfi -i color=s=64x48:r=10:d=4 -f lavfi -i {tone}"
        subprocess.run([*command.split(), "-c:a", codec, path], check=True)
        return path

    return make


def tone_start(path):
    """When the sound first gets loud, in seconds."""
    with av.open(str(path)) as container:
        for frame in container.decode(audio=0):
            samples = np.abs(frame.to_ndarray().astype(float))
            if frame.format.name.startswith("s16"):
                samples /= 32768
            if samples.max() > 0.1:
                return frame.time
    raise AssertionError("no tone in it")


@pytest.mark.parametrize(
    ("codec", "suffix"), [("aac", ".mp4"), ("aac", ".mkv"), ("libopus", ".webm"), ("ac3", ".mp4")]
)
def test_sound_is_copied_in_step(tmp_path, clip_with_sound, codec, suffix):
    source = clip_with_sound(codec)
    times = [i / 10 for i in range(40)]
    path = record(tmp_path / f"out{suffix}", [grey(100)] * 40, times, audio_from=source)
    assert tone_start(path) == pytest.approx(2.0, abs=0.06)
    assert len(decode(path)[0]) == 40
    assert decode(path)[1] == pytest.approx(times, abs=0.002)


def test_a_recording_that_begins_later_has_the_sound_from_there(tmp_path, clip_with_sound):
    times = [1.5 + i / 10 for i in range(15)]
    path = record(tmp_path / "out.mp4", [grey(100)] * 15, times, audio_from=clip_with_sound("aac"))
    assert tone_start(path) == pytest.approx(0.5, abs=0.06)
    with av.open(str(path)) as container:
        assert container.duration / av.time_base == pytest.approx(1.5, abs=0.1)


@pytest.mark.parametrize(
    ("codec", "suffix", "converted"),
    [("aac", ".webm", "opus"), ("pcm_u8", ".mp4", "aac"), ("libopus", ".avi", "ac3")],
)
def test_sound_that_the_container_cannot_hold_is_converted(
    tmp_path, clip_with_sound, codec, suffix, converted
):
    source = clip_with_sound(codec)
    times = [i / 10 for i in range(40)]
    path = record(tmp_path / f"out{suffix}", [grey(9)] * 40, times, audio_from=source)
    with av.open(str(path)) as container:
        assert container.streams.audio[0].codec_context.name == converted
    assert tone_start(path) == pytest.approx(2.0, abs=0.06)
    assert len(decode(path)[0]) == 40


def test_a_source_without_sound_is_no_matter(tmp_path, caplog):
    silent = record(tmp_path / "silent.mp4", [grey(9)] * 2, [0, 0.1])
    path = record(tmp_path / "out.mp4", [grey(9)] * 2, [0, 0.1], audio_from=silent)
    assert len(decode(path)[0]) == 2
    assert not caplog.records


@given(
    steps=strategies.lists(strategies.floats(0.0, 0.4), min_size=1, max_size=25),
    fps=strategies.sampled_from([10.0, 29.97, 30.0, 60.0]),
    suffix=strategies.sampled_from([".mp4", ".mkv", ".avi"]),
)
@settings(max_examples=25, deadline=None)
def test_whatever_the_times_no_frame_is_lost(tmp_path_factory, steps, fps, suffix):
    times = list(np.cumsum(steps))
    path = tmp_path_factory.mktemp("any") / f"out{suffix}"
    record(path, [grey(100, (32, 32))] * len(times), times, fps=fps)
    stamps = decode(path)[1]
    assert len(stamps) == len(times)
    assert stamps == sorted(set(stamps))


@given(strategies.fractions(min_value=1, max_value=240, max_denominator=1001))
def test_a_frame_lasts_a_whole_number_of_steps_where_that_can_be(rate):
    step = fine_step(rate)
    assert step.denominator <= 65535
    if rate.numerator <= 60_000:
        assert (1 / rate / step).denominator == 1
