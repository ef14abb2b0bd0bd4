"""Every codec in every container that it is offered for; wrong pairs; chips that do not open."""

import logging
from pathlib import Path

import av
import numpy as np
import pytest
from click.testing import CliRunner

from models.errors import UsageError
from realtime.commands.run import run
from realtime.commands.stylize import stylize
from realtime.config.video_codecs import CODECS, NAMES
from realtime.doctor import hardware
from realtime.frames.frame import Frame, FrameFormat
from realtime.sinks.recording.recorder import Recorder
from realtime.sinks.recording.video import encoder_choice
from realtime.sinks.recording.video.encoder_choice import (
    SOFTWARE,
    EncoderChoice,
    encodable,
    problem,
)

PAIRS = [(suffix, codec) for suffix, codecs in CODECS.items() for codec in codecs]
WRONG = [(suffix, codec) for suffix in CODECS for codec in NAMES if codec in
         ("h264", "hevc", "vp9", "av1") and codec not in CODECS[suffix]]  # fmt: skip
NVIDIA = {"libx264", "h264_nvenc"}


def moving(number: int) -> np.ndarray:
    """A soft bump that wanders over a slope of colours, 96x64."""
    y, x = np.mgrid[0:64, 0:96].astype(np.float32)
    bump = 120 * np.exp(-((x - 20 - 6 * number) ** 2 + (y - 32) ** 2) / 200)
    return np.stack([x + bump, 2 * y + 40, 150 - bump / 2], axis=-1).clip(0, 255).astype(np.uint8)


def psnr(one: np.ndarray, other: np.ndarray) -> float:
    return float(10 * np.log10(255**2 / np.mean((one.astype(float) - other) ** 2)))


@pytest.mark.parametrize("live", [False, True])
@pytest.mark.parametrize(("suffix", "codec"), PAIRS)
def test_what_goes_in_comes_out_of_every_pair(tmp_path, suffix, codec, live):
    if not any(name in av.codecs_available for name in SOFTWARE[codec]):
        pytest.skip(f"this FFmpeg has no {codec}")
    path, pictures = tmp_path / f"out{suffix}", [moving(i) for i in range(12)]
    recorder = Recorder(path, codec=codec, encoder="software")
    recorder.open(FrameFormat(96, 64, 10.0, live=live))
    for i, rgb in enumerate(pictures):
        recorder.write(Frame(rgb, i, 0.0, i / 10))
    recorder.close()
    with av.open(str(path)) as container:
        assert container.streams.video[0].codec_context.codec.canonical_name == codec
        frames = list(container.decode(video=0))
    assert len(frames) == len(pictures)
    worst = min(
        psnr(frame.to_ndarray(format="rgb24"), rgb)
        for frame, rgb in zip(frames, pictures, strict=True)
    )
    assert worst > 31
    start = frames[0].time if suffix == ".avi" else 0.0
    assert [f.time - start for f in frames] == pytest.approx([i / 10 for i in range(12)], abs=0.002)


@pytest.mark.parametrize(("suffix", "codec"), WRONG)
def test_a_codec_that_the_container_cannot_hold_is_refused_naming_both(tmp_path, suffix, codec):
    path = tmp_path / f"out{suffix}"
    with pytest.raises(UsageError, match="cannot hold") as refused:
        Recorder(path, codec=codec)
    line = str(refused.value)
    assert suffix in line
    assert NAMES[codec] in line
    assert ".mkv" in line
    assert "--codec" in line
    assert "\n" not in line
    assert not path.exists()


def test_commands_refuse_a_wrong_pair_before_anything_is_made(tmp_path):
    clip, out = tmp_path / "clip.mp4", tmp_path / "out.webm"
    clip.write_bytes(b"it is not even read")
    for command, words in (
        (run, ["--source", "demo", "--sink", f"file:{out}", "--codec", "h264"]),
        (stylize, [str(clip), "-o", str(out), "--codec", "h264"]),
    ):
        done = CliRunner().invoke(command, words)
        assert isinstance(done.exception, UsageError), done.output
        assert "out.webm: .webm cannot hold H.264; take .mp4" in str(done.exception)
    assert [path.name for path in tmp_path.iterdir()] == ["clip.mp4"]


class ScriptedProbe:
    """A machine whose chips open, or do not, for reasons by encoder and size."""

    def __init__(self, reasons: dict[tuple[str, int, int], str]) -> None:
        self.reasons, self.asked = reasons, []

    def __call__(self, encoder: str, width: int, height: int) -> str | None:
        self.asked.append((encoder, width, height))
        return self.reasons.get((encoder, width, height))


def choice(probe: ScriptedProbe, *, codec="auto", encoder="auto", available=NVIDIA, end=".mp4"):
    path = Path(f"out{end}")
    return EncoderChoice(path, end, codec=codec, encoder=encoder, available=available, probe=probe)


def test_a_chip_that_opens_encodes_live_pictures_and_software_files():
    there = choice(ScriptedProbe({}))
    assert there.take((640, 480), live=True, lossless=False) == "h264_nvenc"
    assert there.take((640, 480), live=False, lossless=False) == "libx264"
    assert there.take((640, 480), live=True, lossless=True) == "libx264"
    software = choice(ScriptedProbe({}), encoder="software")
    assert software.take((640, 480), live=True, lossless=False) == "libx264"


def test_a_chip_that_refuses_the_size_falls_back_aloud(caplog):
    probe = ScriptedProbe({("h264_nvenc", 64, 48): "Invalid argument"})
    with caplog.at_level(logging.WARNING):
        assert choice(probe).take((64, 48), live=True, lossless=False) == "libx264"
    line = "out.mp4: h264_nvenc cannot be opened for 64x48 (Invalid argument); libx264 encodes it"
    assert caplog.messages == [line]


def test_a_chip_that_is_not_there_at_all_is_no_news(caplog):
    sizes = ((64, 48), encoder_choice.USUAL_SIZE)
    probe = ScriptedProbe({("h264_nvenc", *size): "no driver" for size in sizes})
    with caplog.at_level(logging.WARNING):
        assert choice(probe).take((64, 48), live=True, lossless=False) == "libx264"
    assert caplog.messages == []


def test_an_encoder_asked_for_by_name_falls_back_aloud_or_refuses(caplog):
    probe = ScriptedProbe({("h264_nvenc", 64, 48): "no driver"})
    with caplog.at_level(logging.WARNING):
        named = choice(probe, encoder="h264_nvenc")
        assert named.take((64, 48), live=False, lossless=False) == "libx264"
    assert "h264_nvenc cannot be opened for 64x48 (no driver)" in caplog.text
    alone = choice(probe, encoder="h264_nvenc", available={"h264_nvenc"})
    with pytest.raises(UsageError, match=r"no driver\); take another recording\.encoder"):
        alone.take((64, 48), live=True, lossless=False)


@pytest.mark.skipif("h264_nvenc" not in av.codecs_available, reason="FFmpeg without NVENC")
def test_a_recording_goes_on_in_software_if_the_chip_it_names_does_not_open(tmp_path, caplog):
    recorder = Recorder(tmp_path / "out.mp4", encoder="h264_nvenc")
    with caplog.at_level(logging.WARNING):
        recorder.open(FrameFormat(96, 64, 10.0, live=True))  # smaller than any chip takes
    for i in range(5):
        recorder.write(Frame(moving(i), i, 0.0, i / 10))
    recorder.close()
    assert "h264_nvenc cannot be opened for 96x64" in caplog.text
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert len(list(container.decode(video=0))) == 5


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({"encoder": "h265_magic"}, "recording.encoder: 'h265_magic' is not in this FFmpeg; auto,"),
        ({"encoder": "h264_nvenc", "codec": "av1"}, "encodes H.264, not AV1"),
        ({"encoder": "h264_nvenc", "end": ".webm"}, ".webm cannot hold H.264"),
        ({"codec": "hevc"}, "no encoder for HEVC (libx265); take another --codec"),
    ],
)
def test_encoders_that_do_not_fit_are_refused_in_one_line(wanted, said):
    with pytest.raises(UsageError) as refused:
        choice(ScriptedProbe({}), **wanted)
    assert said in str(refused.value)


def test_the_probe_encodes_for_real_and_remembers():
    assert problem("libx264", 64, 48) is None
    before = problem.cache_info().hits
    assert problem("libx264", 64, 48) is None
    assert problem.cache_info().hits == before + 1
    nvidia = problem("h264_nvenc", 64, 48)  # in FFmpeg, but smaller than any chip takes
    assert nvidia or "h264_nvenc" not in av.codecs_available


def test_doctor_lists_what_opens_here(monkeypatch):
    available = {"h264_nvenc", "h264_qsv", "libx264", "libvpx"}
    found = encodable(available, ScriptedProbe({("h264_nvenc", 1280, 720): "no driver"}))
    assert found == {"h264": ["h264_qsv", "libx264"], "vp8": ["libvpx"]}
    monkeypatch.setattr(encoder_choice, "encodable", lambda: found)
    (finding,) = hardware.check_encoder()
    assert (finding.status, finding.detail) == ("ok", "H.264 (h264_qsv, libx264); VP8 (libvpx)")
