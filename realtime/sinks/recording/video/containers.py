"""How FFmpeg writes each kind of video file so that a kill loses little."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Container:
    """How files with one suffix are written: FFmpeg's format, codecs by preference, options."""

    format: str
    usual: tuple[str, ...]
    options: Mapping[str, str]
    fragmented: bool = False
    fixed_rate: bool = False


H264_OR_MPEG4 = ("h264", "mpeg4")
# The header is written at once, then a fragment every tenth of a second: a kill loses no more. It
# ends with the first picture that is so much later, in microseconds.
FRAGMENTED = {
    "movflags": "frag_keyframe+empty_moov+default_base_moof",
    "frag_duration": "90000",
}
# Some sound (AC-3) is described by its first packets, so the header waits for the first fragment.
# Subtitles and chapters of a file do not fit into short fragments: there, one lasts a key frame.
FRAGMENTED_WITH_SOUND = {"movflags": "frag_keyframe+delay_moov+default_base_moof"}
FRAGMENTED_WITH_MICROPHONE = FRAGMENTED | FRAGMENTED_WITH_SOUND
# A cluster is written once the next begins. At 30 frames/s each picture has its own: 20 bytes more.
CLUSTERS = {"cluster_time_limit": "25"}

CONTAINERS: dict[str, Container] = {
    ".mp4": Container("mp4", H264_OR_MPEG4, FRAGMENTED, fragmented=True),
    ".mov": Container("mov", H264_OR_MPEG4, FRAGMENTED, fragmented=True),
    ".mkv": Container("matroska", H264_OR_MPEG4, CLUSTERS),
    ".webm": Container("webm", ("vp9", "vp8"), CLUSTERS),
    ".avi": Container("avi", H264_OR_MPEG4, {}, fixed_rate=True),
}
