"""How pictures become a compressed stream: encoders, time base, colours. Speaks PyAV."""

from fractions import Fraction

import av
import numpy as np
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc

from models.errors import lookup
from realtime.frame import RGB

TICKS = 60_000
"""Steps a second that a time is rounded to, about; MPEG-4 allows 65,535 at most."""

HD_HEIGHT = 720
"""Players that see no tag take the matrix of BT.709 from this height on, of BT.601 below."""

MATRIX_BT709, MATRIX_BT601 = 1, 6
QP_TO_LAMBDA = 118


def add_video(
    output: av.container.OutputContainer,
    encoder: str,
    *,
    size: tuple[int, int],
    rate: Fraction,
    crf: int,
    fixed_rate: bool,
) -> av.VideoStream:
    """A video stream for pictures that `to_yuv` made from RGB of `size` (width, height).

    Its time base is one frame where the container has a `fixed_rate`, else about 1/60000 s.
    """
    stream = output.add_stream(encoder, rate=rate, options=encoder_options(encoder, crf))
    assert isinstance(stream, av.VideoStream)
    width, height = size
    stream.width, stream.height = width + width % 2, height + height % 2
    stream.pix_fmt = "yuv420p"
    context = stream.codec_context
    context.time_base = 1 / rate if fixed_rate else fine_step(rate)
    # Pictures in the order of their times: fragments need no reordering, AVI knows none.
    context.max_b_frames = 0
    context.gop_size = 10 * max(1, round(rate))
    context.bit_rate = 0
    context.colorspace = MATRIX_BT709 if height >= HD_HEIGHT else MATRIX_BT601
    context.color_range = ColorRange.MPEG
    context.color_primaries = ColorPrimaries.BT709
    context.color_trc = ColorTrc.BT709
    if encoder == "mpeg4":
        context.qscale = True
        context.global_quality = QP_TO_LAMBDA * max(2, round(crf / 6))
    return stream


def fine_step(rate: Fraction) -> Fraction:
    """A time base near 1/60000 s of which the duration of a frame is an exact multiple."""
    return Fraction(1, rate.numerator * (TICKS // rate.numerator) or TICKS)


def encoder_options(encoder: str, crf: int) -> dict[str, str]:
    """What makes an encoder fast enough to run beside the generator, at the quality wanted."""
    vpx = {
        "deadline": "realtime",
        "cpu-used": "8",
        "crf": str(round(crf * 63 / 51)),
        "lag-in-frames": "0",
        "auto-alt-ref": "0",
    }
    table: dict[str, dict[str, str]] = {
        "libx264": {"preset": "veryfast", "crf": str(crf)},
        "libvpx-vp9": vpx | {"row-mt": "1"},
        "libvpx": vpx,
        "mpeg4": {},
    }
    return lookup("encoder", encoder, table)


def to_yuv(rgb: RGB) -> av.VideoFrame:
    """RGB (H, W, 3) as yuv420p, video range; an odd side repeats its last line or column."""
    height, width = rgb.shape[:2]
    if height % 2 or width % 2:
        rgb = np.pad(rgb, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(rgb), format="rgb24")
    matrix = Colorspace.ITU709 if height >= HD_HEIGHT else Colorspace.ITU601
    return frame.reformat(format="yuv420p", dst_colorspace=matrix, dst_color_range=ColorRange.MPEG)
