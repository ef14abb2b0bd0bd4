"""Which encoder a recording takes: one in hardware where it opens, else software. Uses PyAV."""

import io
import logging
from collections.abc import Callable, Collection, Iterable, Mapping
from fractions import Fraction
from functools import cache
from pathlib import Path

import av
import numpy as np

from models.errors import UsageError
from realtime.config.video_codecs import NAMES, check_holds, listed
from realtime.sinks.recording.video.containers import CONTAINERS
from realtime.sinks.recording.video.encoder import add_video
from realtime.sinks.recording.video.yuv import to_yuv

log = logging.getLogger(__name__)

SOFTWARE: Mapping[str, tuple[str, ...]] = {
    "h264": ("libx264",),
    "hevc": ("libx265",),
    "vp9": ("libvpx-vp9",),
    "av1": ("libsvtav1", "libaom-av1"),
    "mpeg4": ("mpeg4",),
    "vp8": ("libvpx",),
}
HARDWARE: Mapping[str, tuple[str, ...]] = {
    "h264": ("h264_nvenc", "h264_qsv", "h264_amf", "h264_videotoolbox"),
    "hevc": ("hevc_nvenc", "hevc_qsv", "hevc_amf", "hevc_videotoolbox"),
    "vp9": ("vp9_qsv",),
    "av1": ("av1_nvenc", "av1_qsv", "av1_amf"),
}
"""Encoders of GPUs and other chips that take pictures from memory: NVIDIA, Intel, AMD, Apple.

VA-API's take them from the GPU only, which PyAV cannot do."""
USUAL_SIZE = (1280, 720)
TRIED_PICTURES = 3

Probe = Callable[[str, int, int], str | None]


@cache
def problem(encoder: str, width: int, height: int) -> str | None:
    """Why `encoder` cannot encode pictures of this size here; None if it can.

    It encodes a few: that FFmpeg has an encoder says nothing about the chip and its driver. The
    answer is remembered.
    """
    picture = to_yuv(np.full((height, width, 3), 90, np.uint8))
    try:
        with av.open(io.BytesIO(), "w", format="matroska") as output:
            stream = add_video(
                output,
                encoder,
                size=(width, height),
                rate=Fraction(30),
                crf=20,
                fixed_rate=True,
                live=True,
            )
            packets: list[av.Packet] = []
            for number in range(TRIED_PICTURES):
                picture.pts, picture.time_base = number, stream.codec_context.time_base
                packets += stream.encode(picture)
            packets += stream.encode(None)
            output.mux(packets)
    except (av.FFmpegError, ValueError) as error:
        return getattr(error, "strerror", None) or str(error)
    return None if packets else "it gives no pictures"


class EncoderChoice:
    """The encoder for the file at `path` (its ending is `suffix`).

    `codec` is "auto" or one of recording.codec; `encoder` is "auto", "software" or FFmpeg's name
    of one. Raises UsageError, with what to do, for what does not fit together, or is not
    `available`. `probe` answers as `problem` does.
    """

    def __init__(
        self,
        path: Path,
        suffix: str,
        *,
        codec: str = "auto",
        encoder: str = "auto",
        available: Collection[str] = av.codecs_available,
        probe: Probe = problem,
    ) -> None:
        self._path, self._probe = path, probe
        self._named = None if encoder in ("auto", "software") else encoder
        if self._named is not None:
            codec = _codec_of(self._named, codec, available)
        check_holds(str(path), suffix, codec)
        codecs = CONTAINERS[suffix].usual if codec == "auto" else (codec,)
        software = (name for each in codecs for name in SOFTWARE[each] if name in available)
        self._software = next(software, None)
        self._hardware = [] if encoder == "software" else _in_hardware(codecs[:1], available)
        if self._software is None and not self._hardware:
            wanted = ", ".join(name for each in codecs for name in SOFTWARE[each])
            what, other = (suffix, "file ending") if codec == "auto" else (NAMES[codec], "--codec")
            raise UsageError(
                f"{path}: this FFmpeg has no encoder for {what} ({wanted}); take another {other}"
            )
        if self._software == "mpeg4":
            log.warning("%s: no H.264 encoder in this FFmpeg; recording MPEG-4", path)

    def take(self, size: tuple[int, int], *, live: bool, lossless: bool) -> str:
        """The encoder for pictures of `size` (width, height): FFmpeg's name.

        By itself, a chip is used for `live` pictures only, which leaves the processor to the
        painting; files become smaller in software. Raises UsageError if none opens.
        """
        if self._named is not None:
            return self._take_named(self._named, size)
        if self._software is not None and (not live or lossless):
            return self._software
        for name in self._hardware:
            why = self._probe(name, *size)
            if why is None:
                log.info("%s: encoded by %s", self._path, name)
                return name
            if self._software is not None and self._probe(name, *USUAL_SIZE) is None:
                self._fall_back(name, size, why)
        if self._software is None:
            raise UsageError(
                f"{self._path}: {listed(self._hardware)} cannot be opened for "
                f"{size[0]}x{size[1]}; take another --codec"
            )
        return self._software

    def _take_named(self, name: str, size: tuple[int, int]) -> str:
        if name == self._software:
            return name
        why = self._probe(name, *size)
        if why is None:
            return name
        if self._software is None:
            raise UsageError(
                f"{self._path}: {name} cannot be opened for {size[0]}x{size[1]} ({why}); "
                "take another recording.encoder"
            )
        self._fall_back(name, size, why)
        return self._software

    def _fall_back(self, name: str, size: tuple[int, int], why: str) -> None:
        log.warning(
            "%s: %s cannot be opened for %dx%d (%s); %s encodes it",
            self._path,
            name,
            *size,
            why,
            self._software,
        )


def _in_hardware(codecs: Iterable[str], available: Collection[str]) -> list[str]:
    return [name for each in codecs for name in HARDWARE.get(each, ()) if name in available]


def _codec_of(encoder: str, codec: str, available: Collection[str]) -> str:
    """The codec of the encoder that recording.encoder names. Raises UsageError."""
    both = {each: [*SOFTWARE[each], *HARDWARE.get(each, ())] for each in SOFTWARE}
    known = {name: each for each, names in both.items() for name in names if name in available}
    if encoder not in known:
        raise UsageError(
            f"recording.encoder: {encoder!r} is not in this FFmpeg; auto, software, or one of: "
            f"{', '.join(known)}"
        )
    if codec not in ("auto", known[encoder]):
        raise UsageError(
            f"recording.encoder: {encoder} encodes {NAMES[known[encoder]]}, not "
            f"{NAMES[codec]} (recording.codec); leave out one of the two"
        )
    return known[encoder]


def encodable(
    available: Collection[str] = av.codecs_available, probe: Probe = problem
) -> dict[str, list[str]]:
    """By codec: the encoders that open on this machine for 1280x720, those of chips first."""
    found = {}
    for codec in NAMES:
        chips = [n for n in HARDWARE.get(codec, ()) if n in available]
        works = [name for name in chips if probe(name, *USUAL_SIZE) is None]
        found[codec] = [*works, *(name for name in SOFTWARE[codec] if name in available)]
    return {codec: names for codec, names in found.items() if names}
