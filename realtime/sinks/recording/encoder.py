"""How pictures become a compressed stream: encoders, time base, colour tags. Uses PyAV."""

from fractions import Fraction

import av
from av.video.reformatter import ColorPrimaries, ColorRange, ColorTrc

from models.errors import lookup
from realtime.sinks.recording.yuv import HD_HEIGHT

TICKS = 60_000
"""Times are rounded to about this many steps per second; MPEG-4 allows at most 65,535."""

MATRIX_BT709, MATRIX_BT601 = 1, 6
QP_TO_LAMBDA = 118
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
    options = encoder_options(encoder, crf, live=live)
    stream = output.add_stream(encoder, rate=rate, options=options)
    assert isinstance(stream, av.VideoStream)
    stream.width, stream.height = width + width % 2, height + height % 2
    stream.pix_fmt = "yuv420p"
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
        context.thread_count = max(1, width * height // PIXELS_A_THREAD)
    if encoder == "mpeg4":
        context.qscale = True
        context.global_quality = QP_TO_LAMBDA * max(2, round(crf / 6))
    return stream


def fine_step(rate: Fraction) -> Fraction:
    """A time base near 1/60000 s; the duration of a frame is an exact multiple of it.

    This holds for rates whose numerator is at most TICKS; others get 1/TICKS s.
    """
    return Fraction(1, rate.numerator * (TICKS // rate.numerator) or TICKS)


def encoder_options(encoder: str, crf: int, *, live: bool) -> dict[str, str]:
    """Options that make an encoder fast enough to run beside the generator, at quality `crf`."""
    vpx = {
        "deadline": "realtime",
        "cpu-used": "8",
        "crf": str(round(crf * 63 / 51)),
        "lag-in-frames": "0",
        "auto-alt-ref": "0",
    }
    # Half the work of veryfast, for 5 to 12 % more bytes at equal PSNR (docs/bench.md). Brush
    # strokes gain nothing from blocks below 16x16; without them the file is smaller and encoding
    # faster. ultrafast saves another third, but needs 2.5 times the bytes and looks worse at a
    # given crf.
    swift = {"preset": "superfast", "tune": "zerolatency", "partitions": "none"}
    x264 = swift if live else {"preset": "veryfast"}
    table: dict[str, dict[str, str]] = {
        "libx264": x264 | {"crf": str(crf)},
        "libvpx-vp9": vpx | {"row-mt": "1"},
        "libvpx": vpx,
        "mpeg4": {},
    }
    return lookup("encoder", encoder, table)
