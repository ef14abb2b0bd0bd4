"""Encoders for live frames and for files: when pictures come out, how large, how good."""

import io
import os
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from av.video.frame import PictureType

from realtime.sinks.recording.video.encoder import add_video
from realtime.sinks.recording.video.yuv import to_yuv

SIZE = (320, 240)
RATE = Fraction(30)
TASKS = Path("/proc/self/task")
ENCODERS = [
    pytest.param(name, marks=pytest.mark.skipif(name not in av.codecs_available, reason=name))
    for name in ("libx264", "libx265", "libvpx-vp9", "libvpx", "libsvtav1", "libaom-av1", "mpeg4")
]
needs_x264 = pytest.mark.skipif("libx264" not in av.codecs_available, reason="libx264 is missing")


def strokes(count: int, size: tuple[int, int] = SIZE) -> list[np.ndarray]:
    """A texture like paint, seen by a camera that moves."""
    width, height = size
    noise = np.random.default_rng(5).normal(0, 1, (height + 64, width + 64, 3)).astype(np.float32)
    paint = cv2.normalize(
        cv2.GaussianBlur(noise, (0, 0), 4, sigmaY=2), None, 0, 255, cv2.NORM_MINMAX
    )
    return [
        np.ascontiguousarray(paint[i : i + height, 2 * i : 2 * i + width]).astype(np.uint8)
        for i in range(count)
    ]


def encode(encoder: str, pictures: list[np.ndarray], *, live: bool, crf: int = 20):
    """Packets that came out after each picture, those at the end, and the pictures decoded."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="matroska") as output:
        height, width = pictures[0].shape[:2]
        stream = add_video(
            output, encoder, size=(width, height), rate=RATE, crf=crf, fixed_rate=False, live=live
        )
        after = []
        for i, rgb in enumerate(pictures):
            picture = to_yuv(rgb)
            picture.time_base = stream.codec_context.time_base
            picture.pts = round(i / RATE / picture.time_base)
            if i % 30 == 0:
                picture.pict_type = PictureType.I
            after.append(stream.encode(picture))
        last = stream.encode(None)
        output.mux([packet for packets in (*after, last) for packet in packets])
    buffer.seek(0)
    with av.open(buffer) as container:
        return after, last, list(container.decode(video=0))


def psnr(frames: list[av.VideoFrame], pictures: list[np.ndarray]) -> float:
    errors = [
        np.mean((f.to_ndarray(format="rgb24").astype(float) - p) ** 2)
        for f, p in zip(frames, pictures, strict=True)
    ]
    return float(10 * np.log10(255**2 / np.mean(errors)))


@pytest.mark.parametrize("encoder", ENCODERS)
def test_a_live_picture_comes_out_before_the_next_goes_in(encoder):
    after, last, frames = encode(encoder, strokes(20), live=True)
    assert [len(packets) for packets in after] == [1] * 20
    assert last == []
    assert len(frames) == 20


@pytest.mark.parametrize("encoder", [name for name in ENCODERS if "x26" in name.values[0]])
@pytest.mark.parametrize("size", [(1280, 720), (1920, 1080)])
def test_nor_does_a_large_one_wait_where_several_threads_encode_it(encoder, size):
    after, _, frames = encode(encoder, strokes(6, size), live=True)
    assert [len(packets) for packets in after] == [1] * 6
    assert len(frames) == 6


@pytest.mark.skipif("libx265" not in av.codecs_available, reason="libx265 is missing")
@pytest.mark.skipif(not TASKS.is_dir(), reason="threads are counted on Linux")
def test_hevc_takes_no_pool_of_threads_for_small_live_pictures():
    """On a busy machine each hand-over between them delays a picture, which a kill then loses."""
    pictures = [to_yuv(rgb) for rgb in strokes(3)]
    with av.open(io.BytesIO(), "w", format="matroska") as output:
        before = len(list(TASKS.iterdir()))
        stream = add_video(
            output, "libx265", size=SIZE, rate=RATE, crf=20, fixed_rate=True, live=True
        )
        for index, picture in enumerate(pictures):
            picture.pts = index
            output.mux(stream.encode(picture))
        assert len(list(TASKS.iterdir())) <= before + 1
        output.mux(stream.encode(None))


@pytest.mark.parametrize("encoder", ENCODERS)
@pytest.mark.parametrize("live", [True, False])
def test_no_picture_is_told_from_a_later_one(encoder, live):
    _, _, frames = encode(encoder, strokes(40), live=live)
    assert all(frame.pict_type != PictureType.B for frame in frames)
    stamps = [frame.pts for frame in frames]
    assert stamps == sorted(stamps)


@needs_x264
def test_crf_means_about_the_same_quality_live_as_from_file_to_file():
    pictures = strokes(30)
    found = {
        live: psnr(encode("libx264", pictures, live=live)[2], pictures) for live in (True, False)
    }
    assert found[True] == pytest.approx(found[False], abs=1.5)


@needs_x264
def test_a_lower_crf_is_better_live_too():
    pictures = strokes(12)
    quality = [
        psnr(encode("libx264", pictures, live=True, crf=c)[2], pictures) for c in (10, 20, 35)
    ]
    assert quality == sorted(quality, reverse=True)


@needs_x264
def test_files_are_smaller_than_live_recordings():
    def size(live: bool) -> int:
        after, last, _ = encode("libx264", strokes(60), live=live)
        return sum(packet.size for packets in (*after, last) for packet in packets)

    assert size(live=False) < size(live=True)


@pytest.mark.skipif("libsvtav1" not in av.codecs_available, reason="libsvtav1 is missing")
@pytest.mark.skipif(
    not TASKS.is_dir() or os.geteuid() != 0, reason="only root gets a real-time priority on Linux"
)
def test_av1_leaves_no_thread_that_lets_nothing_else_run():
    def urgent() -> set[str]:
        return {t.name for t in TASKS.iterdir() if os.sched_getscheduler(int(t.name))}

    before = urgent()
    with av.open(io.BytesIO(), "w", format="matroska") as output:
        stream = add_video(
            output, "libsvtav1", size=SIZE, rate=RATE, crf=20, fixed_rate=False, live=True
        )
        for i, rgb in enumerate(strokes(3)):
            picture = to_yuv(rgb)
            picture.time_base, picture.pts = stream.codec_context.time_base, 1000 * i
            output.mux(stream.encode(picture))
        assert urgent() == before
        output.mux(stream.encode(None))
    assert urgent() == before
