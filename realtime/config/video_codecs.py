"""Which codecs each kind of video file can hold. Names are those of `recording.codec`."""

from collections.abc import Mapping
from typing import Literal

from models.errors import UsageError

Codec = Literal["auto", "h264", "hevc", "vp9", "av1"]

CODECS: Mapping[str, tuple[str, ...]] = {
    ".mp4": ("h264", "hevc", "vp9", "av1"),
    ".mov": ("h264", "hevc"),
    ".mkv": ("h264", "hevc", "vp9", "av1"),
    ".webm": ("vp9", "av1"),
    ".avi": ("h264",),
}
"""By file ending: what players, and FFmpeg's readers, play from it."""
NAMES = {"h264": "H.264", "hevc": "HEVC", "vp9": "VP9", "av1": "AV1", "mpeg4": "MPEG-4"}
NAMES |= {"vp8": "VP8"}


def check_holds(what: str, suffix: str, codec: str) -> None:
    """Raise UsageError, with what to do, if files with this ending cannot hold the codec.

    `what` names the file or key that it is about; "auto" fits every ending.
    """
    if codec == "auto" or codec in CODECS[suffix]:
        return
    others = listed([end for end, codecs in CODECS.items() if codec in codecs])
    own = listed(list(CODECS[suffix]))
    raise UsageError(
        f"{what}: {suffix} cannot hold {NAMES[codec]}; take {others}, or the codec {own} (--codec)"
    )


def listed(words: list[str]) -> str:
    """ "a", "a or b", "a, b or c" """
    return " or ".join(filter(None, [", ".join(words[:-1]), words[-1]]))
