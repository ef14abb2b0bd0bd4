import av
import numpy as np
import pytest

from models.errors import UsageError

pytest.importorskip("torch", reason="needs the train extra")

from training.data import video_frames
from training.data.video_frames import sample_video, without_repeats


def scene(i, height=64, width=96):
    """A grey picture, lighter with i, with a bright quarter at the top left."""
    picture = np.full((height, width, 3), 8 * (i % 28), np.uint8)
    picture[: height // 2, : width // 2] = 255
    return picture


@pytest.fixture
def clip(tmp_path):
    def make(pictures, *, name="clip.mkv", rotation=0, encoder="libx264"):
        path = tmp_path / name
        with av.open(str(path), "w") as output:
            stream = output.add_stream(encoder, rate=10)
            stream.height, stream.width = pictures[0].shape[:2]
            stream.pix_fmt = "yuv420p"
            if rotation:
                stream.set_display_rotation(rotation)
            for picture in pictures:
                output.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
            output.mux(stream.encode(None))
        return path

    return make


def test_a_clip_gives_its_frames_in_order_and_shrunk(clip):
    frames, errors = sample_video(clip([scene(i) for i in range(10)]), 32)
    assert errors == 0
    assert [frame.shape for frame in frames] == [(32, 48, 3)] * 10
    levels = [int(frame[-4, -4, 0]) for frame in frames]
    assert levels == pytest.approx([8 * i for i in range(10)], abs=4)


def test_a_long_clip_is_sampled_evenly_to_its_end(clip, monkeypatch):
    monkeypatch.setattr(video_frames, "MOST_FRAMES", 8)
    frames, _ = sample_video(clip([scene(i) for i in range(27)]), 64)
    levels = [round(int(frame[-4, -4, 0]) / 8) for frame in frames]
    assert levels == [0, 4, 8, 12, 16, 20, 24]


def test_of_a_very_long_clip_only_key_frames_are_decoded(clip, monkeypatch):
    path = clip([scene(i) for i in range(27)], encoder="libx264")
    monkeypatch.setattr(video_frames, "LONG", 20)
    frames, errors = sample_video(path, 64)
    assert 1 <= len(frames) < 27
    assert errors == 0


def test_a_scene_that_stays_or_comes_back_is_taken_once(clip):
    still, other = scene(3), scene(20)
    frames, _ = sample_video(clip([still] * 12 + [other] * 3 + [still] * 12), 64)
    assert len(frames) == 2


def test_pictures_that_differ_are_all_kept():
    pictures = [scene(i) for i in range(5)]
    assert len(without_repeats(pictures)) == 5
    assert len(without_repeats(pictures + pictures)) == 5


def test_a_clip_of_a_telephone_held_upright_stands_upright(clip):
    frames, _ = sample_video(clip([scene(5)], name="clip.mp4", rotation=90), 64)
    assert frames[0].shape == (96, 64, 3)


def test_frames_that_cannot_be_decoded_are_counted_and_the_others_used(clip):
    path = clip([scene(i) for i in range(24)], name="clip.mpg", encoder="mpeg2video")
    whole, errors = sample_video(path, 64)
    assert errors == 0
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 3000] = bytes(3000)
    path.write_bytes(data)
    damaged, errors = sample_video(path, 64)
    assert 0 < len(damaged) < len(whole)


@pytest.mark.parametrize(
    ("name", "content"),
    [("clip.mp4", b"junk"), ("notes.txt", b"a text that FFmpeg would play\n" * 50), ("empty", b"")],
)
def test_a_file_without_a_video_is_named(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UsageError, match=f"{name}: neither a picture nor a video"):
        sample_video(tmp_path / name, 64)


def test_a_song_is_no_video(tmp_path):
    path = tmp_path / "song.wav"
    with av.open(str(path), "w") as output:
        stream = output.add_stream("pcm_s16le", rate=8000, layout="mono")
        silence = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), layout="mono")
        silence.sample_rate = 8000
        output.mux(stream.encode(silence))
        output.mux(stream.encode(None))
    with pytest.raises(UsageError, match=r"song\.wav: neither a picture nor a video"):
        sample_video(path, 64)
