"""Videos of the real world, painted at strength 0: what comes out is what ffmpeg shows."""

import subprocess
from fractions import Fraction

import av
import numpy as np
import pytest

from tests.realtime.media import (
    PICTURES,
    SOUND,
    difference,
    ffmpeg,
    heard,
    lag,
    length,
    needs_ffmpeg,
    painted,
    probe,
    shown,
)

pytestmark = needs_ffmpeg
H264_AAC = "-c:v libx264 -crf 10 -g 5 -pix_fmt yuv420p -c:a aac"


def assert_same(source, target, *, frame=0.1, within=2.0):
    """Painted without a warning, and the same pictures at the same times, with the same sound."""
    done = painted(source, target)
    assert done.exit_code == 0, done.output
    assert "damaged" not in done.output
    assert difference(shown(source), shown(target)) <= within
    assert length(target) == pytest.approx(length(source), abs=frame)
    if any(stream["codec_type"] == "audio" for stream in probe(source)["streams"]):
        assert abs(lag(heard(source), heard(target))) <= 0.02
        assert len(heard(target)) == pytest.approx(len(heard(source)), abs=8000 * 0.05)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_sound_that_goes_on_after_the_last_picture_is_kept(tmp_path, suffix):
    source = tmp_path / "in.mp4"
    ffmpeg(PICTURES.replace("d=2", "d=1"), SOUND, H264_AAC, source)
    target = tmp_path / f"out{suffix}"
    assert_same(source, target)
    assert length(target) == pytest.approx(2.0, abs=0.1)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".avi"])
def test_sound_before_the_first_picture_is_kept(tmp_path, suffix):
    source = tmp_path / "in.mkv"
    ffmpeg("-itsoffset 1", PICTURES, SOUND, H264_AAC, source)
    target = tmp_path / f"out{suffix}"
    assert_same(source, target)


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".avi", ".webm"])
def test_the_sound_of_mpeg_ts_gets_into_every_container(tmp_path, suffix):
    source = tmp_path / "in.ts"
    ffmpeg(PICTURES, SOUND, H264_AAC, source)
    assert_same(source, tmp_path / f"out{suffix}")


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_a_recording_that_begins_between_key_frames_stays_in_step(tmp_path, suffix):
    whole, source = tmp_path / "whole.ts", tmp_path / "in.ts"
    ffmpeg(PICTURES, SOUND, H264_AAC, "-g 8", whole)
    data = whole.read_bytes()
    cut = len(data) // 4 // 188 * 188
    # The tables at the beginning stay, as a receiver has them when it begins to record.
    source.write_bytes(data[: 3 * 188] + data[cut:])
    assert_same(source, tmp_path / f"out{suffix}", within=3)


def test_the_last_picture_has_its_own_duration(tmp_path):
    slides = tmp_path / "slides.mkv"
    with av.open(str(slides), "w") as output:
        stream = output.add_stream("libx264", rate=10, options={"crf": "10", "bf": "0"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for seconds, level in ((0, 50), (1, 200)):
            grey = np.full((48, 64, 3), level, np.uint8)
            frame = av.VideoFrame.from_ndarray(grey, format="rgb24")
            frame.pts, frame.time_base = seconds * 10, Fraction(1, 10)
            output.mux(stream.encode(frame))
        for packet in stream.encode(None):
            packet.duration = 30 if packet.pts == 10 else 10
            output.mux(packet)
    assert length(slides) == pytest.approx(4.0)
    assert_same(slides, tmp_path / "out.mp4")


def test_all_tracks_chapters_and_tags_are_carried(tmp_path):
    subtitles, chapters, source = tmp_path / "s.srt", tmp_path / "c.txt", tmp_path / "in.mkv"
    subtitles.write_text("1\n00:00:00,500 --> 00:00:01,500\nHello\n")
    chapters.write_text(
        ";FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=1000\ntitle=One\n"
        "[CHAPTER]\nTIMEBASE=1/1000\nSTART=1000\nEND=2000\ntitle=Two\n"
    )
    low = SOUND.replace("3000", "900")
    ffmpeg(
        *(PICTURES, SOUND, low, "-i", subtitles, "-i", chapters, "-map 0 -map 1 -map 2 -map 3"),
        *(H264_AAC, "-map_chapters 4 -metadata title=Holiday -metadata date=2024-05-06"),
        "-metadata:s:a:0 language=eng -metadata:s:a:1 language=deu",
        *("-disposition:a:0 0 -disposition:a:1 default", source),
    )
    assert_same(source, tmp_path / "out.mkv")
    probed = probe(tmp_path / "out.mkv")
    kinds = [stream["codec_type"] for stream in probed["streams"]]
    assert kinds == ["video", "audio", "audio", "subtitle"]
    sounds = [stream for stream in probed["streams"] if stream["codec_type"] == "audio"]
    assert [stream["tags"]["language"] for stream in sounds] == ["eng", "deu"]
    assert [stream["disposition"]["default"] for stream in sounds] == [0, 1]
    assert [chapter["tags"]["title"] for chapter in probed["chapters"]] == ["One", "Two"]
    assert probed["format"]["tags"]["title"] == "Holiday"
    assert abs(lag(heard(source, 1), heard(tmp_path / "out.mkv", 1))) <= 0.02

    done = painted(source, tmp_path / "out.mp4")
    assert done.exit_code == 0
    probed = probe(tmp_path / "out.mp4")
    sounds = [stream for stream in probed["streams"] if stream["codec_type"] == "audio"]
    assert [stream["tags"]["language"] for stream in sounds] == ["eng", "deu"]
    assert [stream["disposition"]["default"] for stream in sounds] == [0, 1]
    assert [chapter["tags"]["title"] for chapter in probed["chapters"]] == ["One", "Two"]
    assert probed["format"]["tags"]["title"] == "Holiday"


def test_what_the_container_cannot_hold_is_named_with_a_remedy(tmp_path, caplog):
    subtitles, source = tmp_path / "s.srt", tmp_path / "in.mkv"
    subtitles.write_text("1\n00:00:00,500 --> 00:00:01,500\nHello\n")
    ffmpeg(PICTURES, "-i", subtitles, "-c:v libx264 -c:s srt", source)
    assert painted(source, tmp_path / "out.avi").exit_code == 0
    assert len(caplog.records) == 1
    assert "in.mkv: its subtitles (srt) are left out: cannot be held by .avi" in caplog.text
    assert ".mkv can hold them" in caplog.text


@pytest.mark.parametrize(("suffix", "codec"), [(".mp4", "mov_text"), (".webm", "webvtt")])
def test_subtitles_that_a_container_refuses_are_converted(tmp_path, suffix, codec, caplog):
    subtitles, source, target = tmp_path / "s.srt", tmp_path / "in.mkv", tmp_path / f"out{suffix}"
    text = "1\n00:00:00,500 --> 00:00:01,200\n<i>Grüße</i>\nzwei\n\n"
    text += "2\n00:00:01,400 --> 00:00:01,900\nEnde\n\n"
    subtitles.write_text(text)
    ffmpeg(PICTURES, "-i", subtitles, "-c:v libx264 -c:s srt -metadata:s:s language=deu", source)
    assert painted(source, target).exit_code == 0
    assert not caplog.records
    track = next(s for s in probe(target)["streams"] if s["codec_type"] == "subtitle")
    assert (track["codec_name"], track["tags"]["language"]) == (codec, "deu")
    # Both tracks are used, so that times are the container's.
    written = ffmpeg("-copyts -i", target, "-map 0:s -f srt -").decode()
    assert written.splitlines() == text.splitlines()


def test_subtitles_that_are_pictures_are_left_out_with_a_remedy(tmp_path, caplog):
    source = tmp_path / "in.mkv"
    with av.open(str(source), "w") as output:
        video = output.add_stream("libx264", rate=10)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        output.add_stream("dvdsub").codec_context.subtitle_header = b""
        for number in range(10):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 90, np.uint8), format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 10)
            output.mux(video.encode(frame))
        output.mux(video.encode(None))
    assert painted(source, tmp_path / "out.webm").exit_code == 0
    assert "its subtitles (dvdsub) are left out: cannot be held by .webm" in caplog.text


def test_a_fault_of_the_sound_does_not_end_the_pictures(tmp_path):
    source = tmp_path / "in.mkv"
    ffmpeg(PICTURES, SOUND, "-c:v libx264 -crf 10 -pix_fmt yuv420p -c:a flac", source)
    data = bytearray(source.read_bytes())
    # FLAC frames begin with FF F8; what follows the tenth is overwritten.
    at = -1
    for _ in range(10):
        at = data.index(b"\xff\xf8", at + 1)
    data[at + 2 : at + 40] = b"\xff" * 38
    source.write_bytes(data)
    for suffix in (".mp4", ".webm"):
        done = painted(source, tmp_path / f"out{suffix}")
        assert done.exit_code == 0, done.output
        assert difference(shown(source), shown(tmp_path / f"out{suffix}")) <= 2
        assert len(heard(tmp_path / f"out{suffix}")) > 8000


def test_an_edit_list_is_no_damage(tmp_path):
    whole, source = tmp_path / "whole.mp4", tmp_path / "in.mp4"
    ffmpeg(PICTURES, SOUND, H264_AAC, "-g 20", whole)
    # Copied from 0.75 s on: what comes before belongs to a key frame and is hidden.
    ffmpeg("-ss 0.75 -i", whole, "-c copy -avoid_negative_ts disabled", source)
    assert_same(source, tmp_path / "out.mp4")


def test_a_beginning_at_100_seconds_is_no_damage(tmp_path):
    source = tmp_path / "in.mkv"
    ffmpeg(PICTURES, SOUND, H264_AAC, "-output_ts_offset 100", source)
    assert painted(source, tmp_path / "out.mkv").exit_code == 0
    assert length(tmp_path / "out.mkv") == pytest.approx(2.0, abs=0.1)
    assert difference(shown(source), shown(tmp_path / "out.mkv")) <= 2


def test_an_empty_frame_of_an_avi_is_no_damage(tmp_path):
    source = tmp_path / "in.avi"
    holes = "-vf select=not(eq(n\\,3))*not(eq(n\\,11)) -vsync passthrough"
    ffmpeg(PICTURES, SOUND, holes, "-c:v mjpeg -q:v 2 -pix_fmt yuvj420p -c:a pcm_u8", source)
    assert_same(source, tmp_path / "out.mp4", within=3)


@pytest.mark.parametrize("sound", ["", SOUND])
def test_empty_frames_at_the_end_of_an_avi_are_no_damage(tmp_path, sound):
    source = tmp_path / "in.avi"
    with_sound = "-c:a pcm_s16le" if sound else ""
    ffmpeg(PICTURES, *([sound] if sound else []), "-c:v mjpeg -q:v 2", with_sound, source)
    data = bytearray(source.read_bytes())
    index = data.rindex(b"idx1")
    entries = range(index + 8, len(data), 16)
    pictures = [at for at in entries if data[at + 2 : at + 4] == b"dc"]
    for at in pictures[-5:]:  # their chunks become empty, and so their entries in the index
        data[at + 12 : at + 16] = bytes(4)
    source.write_bytes(data)
    done = painted(source, tmp_path / "out.mp4")
    assert done.exit_code == 0
    assert "damaged" not in done.output
    assert length(tmp_path / "out.mp4") == pytest.approx(2.0, abs=0.05)


def test_an_avi_that_was_cut_is_damaged(tmp_path, caplog):
    source = tmp_path / "in.avi"
    ffmpeg(PICTURES, "-c:v mjpeg -q:v 2", source)
    source.write_bytes(source.read_bytes()[: source.stat().st_size * 2 // 3])
    assert painted(source, tmp_path / "out.mp4").exit_code == 0
    assert "in.avi: damaged or cut off" in caplog.text


def test_a_time_code_does_not_keep_a_file_in_fragments(tmp_path, caplog):
    source, target = tmp_path / "in.mkv", tmp_path / "out.mp4"
    ffmpeg(PICTURES, SOUND, H264_AAC, "-metadata timecode=01:00:00:00", source)
    assert_same(source, target)
    assert "fragments" not in caplog.text
    assert b"moof" not in target.read_bytes()


def test_pcm_in_an_mp4_becomes_aac_which_players_know(tmp_path):
    source, target = tmp_path / "in.mov", tmp_path / "out.mp4"
    ffmpeg(
        PICTURES, SOUND, "-c:v libx264 -crf 10 -pix_fmt yuv420p -c:a pcm_s24le -ar 96000", source
    )
    assert_same(source, target)
    assert probe(target)["streams"][1]["codec_name"] == "aac"


@pytest.mark.parametrize(
    ("suffix", "codec"), [(".avi", "ac3"), (".webm", "opus"), (".mkv", "flac")]
)
def test_six_channels_stay_six(tmp_path, suffix, codec):
    source, target = tmp_path / "in.mkv", tmp_path / f"out{suffix}"
    six = SOUND.replace(":s=48000", "|0|0|0|0|0:c=5.1:s=48000")
    ffmpeg(PICTURES, six, H264_AAC.replace("aac", "flac"), source)
    assert_same(source, target)
    sound = probe(target)["streams"][1]
    assert (sound["codec_name"], sound["channels"]) == (codec, 6)


def test_ten_bits_lose_no_more_than_eight_do(tmp_path):
    source, target = tmp_path / "in.mkv", tmp_path / "out.mp4"
    ffmpeg(PICTURES, "-c:v libx264 -crf 5 -pix_fmt yuv420p10le", source)
    assert painted(source, target).exit_code == 0
    as_eight = shown(source, filters="format=yuv420p")
    assert difference(as_eight, shown(target)) <= 2


def test_raw_h264_has_the_rate_that_it_states_itself(tmp_path):
    source = tmp_path / "in.h264"
    ffmpeg(PICTURES, "-c:v libx264 -crf 10 -pix_fmt yuv420p", source)
    assert painted(source, tmp_path / "out.mp4").exit_code == 0
    assert length(tmp_path / "out.mp4") == pytest.approx(2.0, abs=0.01)


def test_a_variable_rate_in_an_avi_is_at_most_one_frame_off(tmp_path):
    source, target = tmp_path / "in.mp4", tmp_path / "out.avi"
    thinned = "-vf select=lt(mod(n\\,10)\\,3)+gt(n\\,45) -vsync vfr"
    pictures = PICTURES.replace("r=10", "r=30")
    ffmpeg(pictures, SOUND, thinned, H264_AAC, source)
    assert painted(source, target).exit_code == 0
    assert difference(shown(source, rate=30), shown(target, rate=30)) <= 2.5
    assert length(target) == pytest.approx(length(source), abs=0.05)


def test_ffmpeg_reads_what_we_write_without_a_word(tmp_path):
    source = tmp_path / "in.ts"
    ffmpeg(PICTURES, SOUND, H264_AAC, source)
    for suffix in (".mp4", ".mkv", ".webm", ".avi"):
        target = tmp_path / f"out{suffix}"
        assert painted(source, target).exit_code == 0
        command = ["ffmpeg", "-v", "warning", "-i", target, "-f", "null", "-"]
        assert subprocess.run(command, capture_output=True, check=True).stderr == b""
