"""HDR against the filters zscale and tonemap of FFmpeg."""

import shutil
import subprocess

import numpy as np
import pytest

from models.system.machine import this_machine
from realtime.frames.video_matrix import BT709, inverse
from realtime.sources.decoding.decoder import Decoder
from realtime.sources.decoding.tone_map import HLG, PQ, STEPS, _linear_table, moebius
from tests.realtime.media import ffmpeg

WIDTH, HEIGHT = 160, 96
RECIPE = (
    "zscale=t=linear:npl=100,format=gbrpf32le,zscale=p=bt709,tonemap=mobius:desat=0,"
    "zscale=t=bt709:m=bt709:r=tv,format=yuv444p"
)
CURVES = {"smpte2084": PQ, "arib-std-b67": HLG}


def has_zscale():
    if shutil.which("ffmpeg") is None:
        return False
    asked = subprocess.run(["ffmpeg", "-v", "error", "-filters"], capture_output=True, check=True)
    return b" zscale " in asked.stdout


KEPT = "AVX-512" in " ".join(this_machine().instruction_sets)
"""Whether zscale keeps light that is negative in BT.709, as we do: its code for AVX-512 does, that
for other processors makes it black before the last curve, and cuts the brightest light."""
SOFT = 0.15
"""Saturation at which nearly all is within the gamut of BT.709."""
CLOSE, OUT_OF_GAMUT = (1.5, 1.5) if KEPT else (2.0, 8.0)
"""Most levels in the mean, for soft colours and for others."""

needs_zscale = pytest.mark.skipif(not has_zscale(), reason="ffmpeg has no zscale")


def hdr(path, curve, picture="testsrc2", *, saturation=1.0, full=False, parameters=""):
    """A video of one frame whose levels are BT.2020's with that curve."""
    span = "pc" if full else "tv"
    tags = f"colorprim=bt2020:transfer={curve}:colormatrix=bt2020nc"
    ffmpeg(
        f"-f lavfi -i {picture}=s={WIDTH}x{HEIGHT}:r=10:d=0.1,hue=s={saturation}",
        f"-vf scale=out_color_matrix=bt2020:out_range={span},format=yuv444p10le",
        f"-c:v libx265 -x265-params lossless=1:log-level=none:{tags}{parameters}",
        f"-color_primaries bt2020 -color_trc {curve} -colorspace bt2020nc -color_range {span}",
        path,
    )


def shown_by_ffmpeg(path):
    raw = ffmpeg("-i", path, f"-vf {RECIPE},scale,format=rgb24 -f rawvideo -")
    return np.frombuffer(raw, np.uint8).reshape(HEIGHT, WIDTH, 3).astype(int)


def decoded(path):
    decoder = Decoder(f"file:{path}", name=path.name)
    rgb, _ = decoder.read()
    decoder.close()
    return rgb.astype(int)


@needs_zscale
@pytest.mark.parametrize("curve", CURVES)
@pytest.mark.parametrize("picture", ["testsrc2", "smptehdbars", "rgbtestsrc"])
@pytest.mark.parametrize(("saturation", "most"), [(SOFT, CLOSE), (1.0, OUT_OF_GAMUT)])
def test_colours_are_those_of_ffmpegs_recipe(tmp_path, curve, picture, saturation, most, caplog):
    hdr(tmp_path / "in.mp4", curve, picture, saturation=saturation)
    ours = decoded(tmp_path / "in.mp4")
    assert np.abs(ours - shown_by_ffmpeg(tmp_path / "in.mp4")).mean() < most
    assert "in.mp4: HDR; brought to the range of a normal screen" in caplog.text


@needs_zscale
def test_the_full_range_and_the_brightest_light_are_followed(tmp_path):
    greyer = {"saturation": SOFT}
    hdr(tmp_path / "plain.mp4", "smpte2084", **greyer)
    hdr(tmp_path / "full.mp4", "smpte2084", **greyer, full=True)
    hdr(tmp_path / "light.mp4", "smpte2084", **greyer, parameters=":max-cll=4000,400")
    plain, light = decoded(tmp_path / "plain.mp4"), decoded(tmp_path / "light.mp4")
    assert np.abs(decoded(tmp_path / "full.mp4") - plain).mean() < CLOSE
    assert np.abs(light - shown_by_ffmpeg(tmp_path / "light.mp4")).mean() < CLOSE
    assert light.mean() < plain.mean()  # what is brighter needs room


@pytest.mark.parametrize(
    ("curve", "signal", "nits"),
    [(PQ, 0.508, 100), (PQ, 0.7518, 1000), (HLG, 0.75, 203), (PQ, 0, 0)],
)
def test_the_light_of_known_signals(curve, signal, nits):
    assert _linear_table(curve)[round(signal * STEPS)] * 100 == pytest.approx(nits, rel=0.01)


def test_what_is_dark_stays_and_the_peak_becomes_white():
    light = np.array([0.0, 0.1, 0.3, 1.0, 10.0], np.float32)
    mapped = moebius(light, 10.0)
    assert mapped[:3] == pytest.approx(light[:3])
    assert mapped[4] == pytest.approx(1.0)
    assert 0.3 < mapped[3] < 1.0


def test_the_inverse_of_a_matrix_undoes_it():
    colour = np.array([12.0, 200.0, 90.0])
    assert inverse(BT709) @ [*(BT709 @ [*colour, 1]), 1] == pytest.approx(colour)
