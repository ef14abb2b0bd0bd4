"""How pictures become a compressed stream: encoders, time base, colour tags. Uses PyAV."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import av
from av.video.reformatter import ColorPrimaries, ColorRange, ColorTrc

from models.errors import lookup
from realtime.sinks.recording.video.yuv import HD_HEIGHT

TICKS = 60_000
"""Times are rounded to about this many steps per second; MPEG-4 allows at most 65,535."""

MATRIX_BT709, MATRIX_BT601 = 1, 6
QP_TO_LAMBDA = 118
CHIPS = ("_nvenc", "_qsv", "_amf", "_videotoolbox")
"""How FFmpeg's names of encoders in hardware end."""
PIXELS_A_THREAD = 1280 * 720
"""Pixels that one thread encodes live in half a frame time or less; a second thread would only
take a core from the painting."""


def add_video(
    output: av.container.OutputContainer,
    encoder: str,
    *,
    size: tuple[int, int],
    rate: Fraction,
    crf: int,
    fixed_rate: bool,
    live: bool,
) -> av.VideoStream:
    """Add a video stream for pictures that `to_yuv` made from RGB of `size` (width, height).

    Its time base is one frame if the container has a `fixed_rate`, else about 1/60000 s. A `live`
    stream is encoded beside a generator that has to keep up: each picture comes out at once and
    with less work, which makes the file somewhat larger.
    """
    width, height = size
    threads = max(1, width * height // PIXELS_A_THREAD) if live else 0
    options = encoder_options(encoder, crf, live=live, threads=threads)
    if encoder == "libsvtav1":  # else it writes over the terminal by itself, past FFmpeg
        os.environ.setdefault("SVT_LOG", "1")
    stream = output.add_stream(encoder, rate=rate, options=options)
    assert isinstance(stream, av.VideoStream)
    stream.width, stream.height = width + width % 2, height + height % 2
    stream.pix_fmt = _pixels(encoder)
    context = stream.codec_context
    context.time_base = 1 / rate if fixed_rate else fine_step(rate)
    # Pictures stay in the order of their times: fragments need no reordering, AVI supports none.
    context.max_b_frames = 0
    context.gop_size = 10 * max(1, round(rate))
    context.bit_rate = 0
    context.colorspace = MATRIX_BT709 if height >= HD_HEIGHT else MATRIX_BT601
    context.color_range = ColorRange.MPEG
    context.color_primaries = ColorPrimaries.BT709
    context.color_trc = ColorTrc.BT709
    if live and encoder == "libx264":
        context.thread_count = threads
    if context.codec.canonical_name == "hevc" and output.format.name in ("mp4", "mov"):
        context.codec_tag = "hvc1"  # what Apple's players want
    quantizer = _quantizer(encoder, crf)
    if quantizer is not None:
        context.qscale = True
        context.global_quality = QP_TO_LAMBDA * quantizer
    if encoder == "libsvtav1":
        with _as_urgent_as_before():
            context.open()
    return stream


@contextmanager
def _as_urgent_as_before() -> Iterator[None]:
    """Take back what SVT-AV1 does where it may, as root on Linux: it gives its threads, and the one
    that opens it, a real-time priority of 99, which lets nothing else run on their cores."""
    before = _real_time_threads()
    yield
    for thread in _real_time_threads() - before:
        os.sched_setscheduler(thread, os.SCHED_OTHER, os.sched_param(0))


def _real_time_threads() -> set[int]:
    """The threads of this process that are scheduled first in, first out; Linux only."""
    found = set()
    for task in Path("/proc/self/task").glob("*"):
        try:
            if os.sched_getscheduler(int(task.name)) == os.SCHED_FIFO:
                found.add(int(task.name))
        except OSError:  # it has ended meanwhile
            continue
    return found


def _pixels(encoder: str) -> str:
    """yuv420p, or what FFmpeg makes of it for the encoder of a chip that takes NV12 only."""
    formats = [known.name for known in av.Codec(encoder, "w").video_formats or ()]
    return "yuv420p" if not formats or "yuv420p" in formats else "nv12"


def _quantizer(encoder: str, crf: int) -> int | None:
    """The quality of encoders that get it as FFmpeg's general scale; None for the others."""
    if encoder == "mpeg4":
        return max(2, round(crf / 6))
    if encoder.endswith("_qsv"):
        return max(1, _of_255(crf) if encoder.startswith("av1") else crf)
    if encoder.endswith("_videotoolbox"):  # 1 to 100, the best
        return max(1, round(100 * (51 - crf) / 51))
    return None


def _of_255(crf: int) -> int:
    return round(crf * 255 / 51)


def fine_step(rate: Fraction) -> Fraction:
    """A time base near 1/60000 s; the duration of a frame is an exact multiple of it.

    This holds for rates whose numerator is at most TICKS; others get 1/TICKS s.
    """
    return Fraction(1, rate.numerator * (TICKS // rate.numerator) or TICKS)


def encoder_options(encoder: str, crf: int, *, live: bool, threads: int = 0) -> dict[str, str]:
    """Options that make an encoder fast enough to run beside the generator, at quality `crf`.

    `threads` (0: as many as it likes) is for encoders that take the number only here.
    """
    if encoder.endswith(CHIPS):
        return _chip_options(encoder, crf)
    vpx = {
        "deadline": "realtime",
        "cpu-used": "8",
        "crf": _of_63(crf),
        "lag-in-frames": "0",
        "auto-alt-ref": "0",
    }
    # Half the work of veryfast, for 5 to 12 % more bytes at equal PSNR (docs/bench.md). Brush
    # strokes gain nothing from blocks below 16x16; without them the file is smaller and encoding
    # faster. ultrafast saves another third, but needs 2.5 times the bytes and looks worse at a
    # given crf.
    swift = {"preset": "superfast", "tune": "zerolatency", "partitions": "none"}
    x264 = swift if live else {"preset": "veryfast"}
    x265 = {"preset": "ultrafast" if live else "veryfast", "tune": "zerolatency"}
    # On a busy machine every hand-over between its threads waits for a turn of the processor.
    pools = f":frame-threads=1:pools={'none' if threads == 1 else threads}" if live else ""
    # Without prediction from later pictures, each comes out at once, also from file to file.
    svt = "pred-struct=1:lookahead=0" + (f":rtc=1:lp={threads}" if live else "")
    aom = {"usage": "realtime", "cpu-used": "9" if live else "7", "lag-in-frames": "0"}
    table: dict[str, dict[str, str]] = {
        "libx264": x264 | {"crf": str(crf)},
        "libx265": x265
        | {
            "crf": str(min(51, crf + 3)),
            "forced-idr": "1",
            "x265-params": f"log-level=none{pools}",
        },
        "libvpx-vp9": vpx | {"row-mt": "1"},
        "libvpx": vpx,
        "libsvtav1": {"preset": "11" if live else "8", "crf": _of_63(crf), "svtav1-params": svt},
        "libaom-av1": aom | {"crf": _of_63(crf), "row-mt": "1"},
        "mpeg4": {},
    }
    return lookup("encoder", encoder, table)


def _of_63(crf: int) -> str:
    return str(round(crf * 63 / 51))


def _chip_options(encoder: str, crf: int) -> dict[str, str]:
    """A constant quantizer near `crf`, and no picture held back."""
    quantizer = str(_of_255(crf) if encoder.startswith("av1") else crf)
    if encoder.endswith("_nvenc"):
        swift = {"preset": "p4", "tune": "ll", "delay": "0", "zerolatency": "1"}
        return swift | {"rc": "constqp", "qp": quantizer, "forced-idr": "1"}
    if encoder.endswith("_qsv"):
        forced = {} if encoder.startswith("vp9") else {"forced_idr": "1"}
        return {"preset": "veryfast", "async_depth": "1"} | forced
    if encoder.endswith("_amf"):
        swift = {"usage": "lowlatency", "quality": "speed", "rc": "cqp"}
        return swift | {"qp_i": quantizer, "qp_p": quantizer}
    return {"realtime": "1"}
