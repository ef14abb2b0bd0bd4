"""Colours and orientation of video, against what ffmpeg shows."""

import numpy as np
import pytest

from models.errors import UsageError
from realtime.sources.decoding.decoder import Decoder
from realtime.sources.decoding.upright import orientation
from tests.realtime.media import ffmpeg, needs_ffmpeg


@pytest.mark.parametrize("mirror", [1, -1])
@pytest.mark.parametrize("turns", range(4))
def test_every_display_matrix_moves_each_corner_where_it_says(mirror, turns):
    quarter = np.array([[0, 1], [-1, 0]])
    matrix = np.diag([mirror, 1]) @ np.linalg.matrix_power(quarter, turns)
    picture = np.arange(12).reshape(3, 4)
    bring_upright, _ = orientation(matrix.astype(float))
    shown = bring_upright(picture)
    # The place of each stored pixel (x, y) is (x, y) @ matrix, moved into view.
    places = np.array([(x, y) for y in range(3) for x in range(4)]) @ matrix
    places -= places.min(axis=0)
    for value, (x, y) in enumerate(places):
        assert shown[y, x] == value


def first_picture(path):
    decoder = Decoder(f"file:{path}", name=str(path))
    rgb, _ = decoder.read()
    decoder.close()
    return rgb.astype(int)


@needs_ffmpeg
def test_untagged_hd_is_bt709(tmp_path):
    path = tmp_path / "hd.mp4"
    scale = "-vf scale=out_color_matrix=bt709,setparams=colorspace=unknown"
    ffmpeg("-f lavfi -i testsrc=s=1280x720:r=5:d=0.2", scale, "-c:v libx264 -crf 5 "
           "-pix_fmt yuv444p", path)  # fmt: skip
    filters = "-vf scale=in_color_matrix=bt709,format=rgb24"
    raw = ffmpeg("-i", path, f"-frames:v 1 {filters} -f rawvideo -")
    expected = np.frombuffer(raw, np.uint8).reshape(720, 1280, 3)
    assert np.abs(first_picture(path) - expected).mean() <= 2


def test_an_unknown_protocol_is_refused_as_such():
    with pytest.raises(UsageError, match="no support for nonsense://"):
        Decoder("nonsense://x", name="nonsense://x")
