"""Brings HDR video (PQ, HLG) into the range of a normal screen, as FFmpeg's usual recipe does:

zscale=t=linear:npl=100, zscale=p=bt709, tonemap=mobius:desat=0, zscale=t=bt709:m=bt709:r=tv

PyAV's FFmpeg has no zscale, and its filter tonemap is of no use without it.
"""

from functools import cache
from typing import Any

import av
import cv2
import numpy as np
from av.sidedata.sidedata import Type as SideDataType
from av.video.reformatter import ColorRange, ColorTrc
from numpy.typing import NDArray

from models.pictures import RGB
from realtime.frames.video_matrix import BT709, inverse, video_matrix

PQ, HLG = int(ColorTrc.SMPTE2084), int(ColorTrc.ARIB_STD_B67)
HDR_CURVES = frozenset({PQ, HLG})

WHITE = 100.0
"""Luminance in cd/m² of SDR's white; it becomes 1."""
DEFAULT_PEAK = 10.0
"""How bright the brightest is, as a multiple of WHITE, where the video does not say (FFmpeg's)."""
STEPS = 1 << 14
"""Steps of the table that turns the signal into light."""
KNEE = 0.3
"""Up to here Möbius' curve changes nothing (FFmpeg's)."""
DISPLAY_GAMMA = 2.4
HLG_GAMMA, HLG_PEAK = 1.2, 1000.0
"""The system gamma at the nominal peak luminance of a display for HLG (BT.2100)."""

BT2020 = video_matrix(0.2627, 0.0593)
BT2020_TO_BT709 = np.array(
    [
        [1.660491, -0.587641, -0.07285],
        [-0.12455, 1.1329, -0.008349],
        [-0.018151, -0.100579, 1.11873],
    ]
)
"""Linear light to linear light (BT.2087)."""


def tone_mapped(yuv: NDArray[np.uint16], frame: av.VideoFrame) -> RGB:
    """`yuv` (H, W, 3), 16 bits, with the curve of `frame` and BT.2020 colours, as 8-bit sRGB."""
    steps = cv2.transform(yuv.astype(np.float32), _signal_matrix(frame.color_range))
    linear: NDArray[Any] = _linear_table(frame.color_trc)[
        np.clip(steps, 0, 2 * STEPS - 1).astype(np.int32)
    ]
    linear = cv2.transform(linear, BT2020_TO_BT709)
    brightest = np.maximum(linear.max(axis=2), 1e-6)
    linear *= (moebius(brightest, signal_peak(frame)) / brightest)[..., None]
    # What is out of BT.709's gamut is negative here, and stays so until the video that FFmpeg's
    # recipe writes limits luma and chroma: such colours become darker rather than garish.
    shown = np.copysign(cv2.pow(np.abs(linear), 1 / DISPLAY_GAMMA), linear) * 255
    stored = np.clip(np.rint(cv2.transform(shown, BT709)), 0, 255)
    return np.asarray(np.rint(np.clip(cv2.transform(stored, inverse(BT709)), 0, 255)), np.uint8)


def _signal_matrix(color_range: int) -> NDArray[np.float64]:
    """(3, 4): from 16-bit BT.2020 YCbCr and a 1 to R, G, B in STEPS; some are out of 0..STEPS."""
    # Levels of 8 bits in video range, from those of 16 bits in either range.
    full = color_range == ColorRange.JPEG
    gains = np.array([219, 224, 224]) / 65535 if full else np.full(3, 1 / 256)
    offsets = np.array([16, 16, 16]) if full else np.zeros(3)
    back = inverse(BT2020) * (STEPS / 255)
    return np.column_stack([back[:, :3] * gains, back[:, :3] @ offsets + back[:, 3]])


@cache
def _linear_table(curve: int) -> NDArray[np.float32]:
    """The light of each step of the signal, up to a signal of 2, as a multiple of WHITE.

    Saturated YCbCr can mean more than a signal of 1.
    """
    signal = np.arange(2 * STEPS) / STEPS
    return ((_pq(signal) if curve == PQ else _hlg(signal)) / WHITE).astype(np.float32)


def _pq(signal: NDArray[np.float64]) -> NDArray[np.float64]:
    """SMPTE ST 2084's EOTF, in cd/m²."""
    m1, m2, c1, c2, c3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128
    root = signal ** (1 / m2)
    return 10_000 * (np.maximum(root - c1, 0) / np.maximum(c2 - c3 * root, 1e-6)) ** (1 / m1)


def _hlg(signal: NDArray[np.float64]) -> NDArray[np.float64]:
    """BT.2100's HLG EOTF, in cd/m². Its system gamma is applied to each channel, as zscale does."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    scene = np.where(signal <= 0.5, signal**2 / 3, (np.exp((signal - c) / a) + b) / 12)
    return HLG_PEAK * scene**HLG_GAMMA


def moebius(light: NDArray[np.float32], peak: float) -> NDArray[np.float32]:
    """FFmpeg's tone curve: what is darker than KNEE stays, `peak` becomes 1."""
    a = -KNEE * KNEE * (peak - 1) / (KNEE * KNEE - 2 * KNEE + peak)
    b = (KNEE * KNEE - 2 * KNEE * peak + peak) / max(peak - 1, 1e-6)
    scale = (b * b + 2 * b * KNEE + KNEE * KNEE) / (b - a)
    return np.where(light <= KNEE, light, scale * (light + a) / (light + b))


def signal_peak(frame: av.VideoFrame) -> float:
    """The brightest light of the video, as a multiple of WHITE, by its own tags."""
    level = side_data(frame, SideDataType.CONTENT_LIGHT_LEVEL)
    if level:  # AVContentLightMetadata: MaxCLL, MaxFALL
        brightest = float(np.frombuffer(level, np.uint32)[0])
        if brightest:
            return max(1.0, brightest / WHITE)
    mastering = side_data(frame, SideDataType.MASTERING_DISPLAY_METADATA)
    if mastering:  # AVMasteringDisplayMetadata: 10 fractions, 2 flags
        numbers = np.frombuffer(mastering, np.int32)
        if numbers[21] and numbers[18] and numbers[19]:
            return max(1.0, float(numbers[18] / numbers[19]) / WHITE)
    return DEFAULT_PEAK


def side_data(frame: av.VideoFrame, kind: SideDataType) -> bytes:
    """FFmpeg's structure of that kind as it lies in memory; empty if the frame has none."""
    stored: list[Any] = list(frame.side_data)
    return next((bytes(data) for data in stored if data.type == kind), b"")
