"""Real files for the tests of sources."""

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

MakeClip = Callable[..., Path]


@pytest.fixture
def make_clip(tmp_path: Path) -> MakeClip:
    """Write a video whose frame i is flat grey of level 20 + 5·i (or the pictures given)."""

    def make(
        name: str = "clip.mkv",
        *,
        times: Sequence[float] = tuple(i / 10 for i in range(12)),
        pictures: Sequence[np.ndarray] | None = None,
        encoder: str = "libx264",
        rate: int = 10,
        rotation: int = 0,
        pixel_aspect: Fraction | None = None,
    ) -> Path:
        path = tmp_path / name
        if pictures is None:
            pictures = [np.full((48, 64, 3), 20 + 5 * i, np.uint8) for i in range(len(times))]
        height, width = pictures[0].shape[:2]
        with av.open(str(path), "w") as output:
            stream = output.add_stream(encoder, rate=rate)
            stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
            stream.codec_context.time_base = Fraction(1, 1000)
            stream.codec_context.max_b_frames = 2 if encoder == "libx264" else 0
            if pixel_aspect:
                stream.codec_context.sample_aspect_ratio = pixel_aspect
            if rotation:
                stream.set_display_rotation(rotation)
            for seconds, rgb in zip(times, pictures, strict=True):
                frame = av.VideoFrame.from_ndarray(rgb, format="rgb24")
                frame.pts, frame.time_base = round(seconds * 1000), Fraction(1, 1000)
                output.mux(stream.encode(frame))
            output.mux(stream.encode(None))
        return path

    return make
