"""Carries what else a source file holds into a recording: sound, subtitles, chapters, title."""

import io
import logging
import math
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.subtitles.stream import SubtitleStream

from realtime.sinks.recording.track import (
    DELAYED_CODECS,
    ConvertedSubtitles,
    ConvertedTrack,
    CopiedTrack,
    Track,
)

log = logging.getLogger(__name__)

SOUND_CODECS = {"webm": "libopus", "avi": "ac3"}
"""By FFmpeg's format: what sound is converted to where it cannot be copied; elsewhere AAC.

An AVI cannot say how much silence an encoder puts before the sound; AC-3 has the least, 5 ms."""
TEXT_CODECS = {"mp4": "mov_text", "mov": "mov_text", "webm": "webvtt", "matroska": "subrip"}
"""By FFmpeg's format: what subtitles of text become where they cannot be copied."""
NOT_COPIED = {
    "mp4": ("pcm_",),
    "avi": ("aac", "flac", "vorbis", "opus", "alac", "wavpack", "truehd"),
}
"""By FFmpeg's format: how the codecs begin that it writes there, but players cannot play."""
RUN_UP = 10
"""Seconds before the recording's 0 from which on the source is read."""
TRIED_PACKETS = 4
"""So many packets are written to memory to find out whether a container takes a codec."""

OWN_TAGS = frozenset(
    {"encoder", "major_brand", "minor_version", "compatible_brands", "duration"}
    | {"number_of_frames", "number_of_bytes", "bps", "vendor_id", "handler_name"}
    | {"uid", "generation_uid", "product_uid", "operational_pattern_ul", "application_platform"}
    | {"product_name", "product_version", "product_version_num", "toolkit_version_num"}
    | {"company_name", "material_package_umid", "file_package_umid"}
)
"""Tags that describe the file and its tracks as they were stored, not what they show."""


class SourceTracks:
    """All sound and subtitle tracks of the file at `address`, in step with the new pictures.

    Times are in seconds on the recording's time line: its 0 is `begin` on the source's, which
    begins with the source container; nothing after `end` on it is carried (None: all). `name` is
    what messages call the source. Sound that `output` cannot hold is converted; what cannot be
    carried is named in a warning, and a fault of the sound never ends the pictures.
    """

    def __init__(
        self,
        address: str,
        output: av.container.OutputContainer,
        *,
        name: str,
        begin: float,
        end: float | None = None,
    ) -> None:
        self._name, self._output, self._begin = name, output, begin
        self._wanted_end = end
        self._suffix = Path(output.name).suffix
        self._source: av.container.InputContainer | None = None
        self._tracks: dict[int, Track] = {}
        self._end: Fraction | None = None
        self._packets: Iterator[av.Packet] = iter(())
        self.chapters: list[Any] = []
        try:
            self._source = av.open(address)
            self._add_tracks(address, self._source)
        except av.FFmpegError as error:
            log.warning("%s: its sound is left out (%s)", name, error.strerror)
        self._pending = next(self._packets, None)

    def _add_tracks(self, address: str, source: av.container.InputContainer) -> None:
        for key, value in described(source.metadata).items():
            self._output.metadata[key] = value
        for stream in source.streams:
            track: Track | None
            if isinstance(stream, av.AudioStream):
                track = self._sound(address, stream)
            elif isinstance(stream, SubtitleStream):
                track = self._subtitles(stream)
            else:
                continue
            if track is not None:
                track.output.disposition = stream.disposition
                track.output.metadata.update(described(stream.metadata))
                self._tracks[stream.index] = track
        zero = Fraction(source.start_time or 0, av.time_base)
        self._shift = Fraction(self._begin) + zero
        if source.duration:
            self._end = Fraction(source.duration, av.time_base) - Fraction(self._begin)
        if self._wanted_end is not None:
            wanted_end = Fraction(self._wanted_end) - Fraction(self._begin)
            self._end = wanted_end if self._end is None else min(self._end, wanted_end)
        self.chapters = list(moved(source.chapters(), self._shift, self._end))
        wanted = [stream for stream in source.streams if stream.index in self._tracks]
        if wanted:
            if self._begin > RUN_UP:  # a film need not be read from its beginning
                source.seek(int((self._shift - RUN_UP) * av.time_base))
            self._packets = self._timed(source, wanted)

    def _sound(self, address: str, stream: av.AudioStream) -> Track | None:
        if stream.codec_context is None:
            self._leave_out(stream, "has no decoder here")
            return None
        if self._takes(address, stream):
            return CopiedTrack(stream, self._output)
        codec = SOUND_CODECS.get(self._output.format.name, "aac")
        try:
            return ConvertedTrack(stream, self._output, codec)
        except (av.FFmpegError, ValueError) as error:
            self._leave_out(stream, f"cannot be converted ({error})")
            return None

    def _takes(self, address: str, stream: av.AudioStream) -> bool:
        """Whether the recording's container can hold the packets of a sound track."""
        container = self._output.format.name
        if stream.codec_context.name.startswith(NOT_COPIED.get(container, ())):
            return False
        try:
            with (
                av.open(address) as source,
                av.open(io.BytesIO(), "w", format=self._output.format.name) as trial,
            ):
                same = source.streams[stream.index]
                track = CopiedTrack(same, trial)
                for _, packet in zip(range(TRIED_PACKETS), source.demux(same), strict=False):
                    if packet.dts is not None:
                        trial.mux(list(track.packets(packet)))
        except (av.FFmpegError, ValueError):
            return False
        return True

    def _subtitles(self, stream: SubtitleStream) -> Track | None:
        container = self._output.format.name
        try:
            if _can_hold(container, stream):
                return CopiedTrack(stream, self._output)
            if container in TEXT_CODECS:
                return ConvertedSubtitles(stream, self._output, TEXT_CODECS[container])
        except (av.FFmpegError, ValueError, AttributeError) as error:
            log.debug("%s: subtitles: %s", self._name, error)
        remedy = "" if container == "matroska" else "; .mkv can hold them"
        self._leave_out(stream, f"cannot be held by {self._suffix}{remedy}")
        return None

    def _leave_out(self, stream: av.stream.Stream, why: str) -> None:
        what = "sound" if stream.type == "audio" else "subtitles"
        codec = stream.codec_context.name if stream.codec_context is not None else "unknown"
        detail = ", ".join(filter(None, [codec, stream.metadata.get("language")]))
        log.warning("%s: its %s (%s) are left out: %s", self._name, what, detail, why)

    def _timed(
        self, source: av.container.InputContainer, streams: list[av.stream.Stream]
    ) -> Iterator[av.Packet]:
        """The packets of the recording's time, moved to its time line."""
        packets = source.demux(*streams)
        while True:
            try:
                packet = next(packets, None)
            except av.FFmpegError as error:
                log.warning("%s: its sound ends early (%s)", self._name, error.strerror)
                return
            if packet is None:
                return
            if packet.pts is None or packet.dts is None:
                continue
            shift = round(self._shift / packet.time_base)
            packet.pts -= shift
            packet.dts -= shift
            if isinstance(packet.stream, SubtitleStream):
                self._shorten(packet)
            if packet.pts >= 0 or self._is_run_up(packet):
                yield packet

    def _shorten(self, packet: av.Packet) -> None:
        """A text that is shown beyond the end of the source must not make the recording longer."""
        if self._end is not None and packet.pts is not None and packet.duration:
            left = math.ceil(self._end / packet.time_base) - packet.pts
            packet.duration = max(1, min(packet.duration, left))

    def _is_run_up(self, packet: av.Packet) -> bool:
        """Whether a packet from before the recording is needed to decode its first sound."""
        assert packet.pts is not None
        return packet.pts + (packet.duration or 0) > 0 or (
            packet.stream.codec_context.name in DELAYED_CODECS and self._begin == 0
        )

    def advance(self, until: float) -> None:
        """Carry the packets that begin before `until` (in seconds)."""
        while self._pending is not None:
            packet = self._pending
            assert packet.pts is not None
            if packet.pts * packet.time_base >= until:
                return
            track = self._tracks[packet.stream_index]
            self._mux(packet.stream_index, track.packets(packet))
            self._pending = next(self._packets, None)

    def finish(self, until: float) -> None:
        """Carry the packets that begin before `until`, and what the encoders hold back."""
        self.advance(until)
        for index, track in list(self._tracks.items()):
            self._mux(index, track.rest())

    def _mux(self, index: int, packets: Iterator[av.Packet]) -> None:
        try:
            for packet in packets:
                self._output.mux(packet)
        except av.InvalidDataError:  # a damaged packet: the next may be whole
            pass
        except av.FFmpegError as error:
            log.warning("%s: its sound ends early (%s)", self._name, error.strerror)
            self._tracks[index] = _Silenced(self._tracks[index].output)

    def close(self) -> None:
        self._pending = None
        if self._source is not None:
            self._source.close()


def _can_hold(container: str, stream: av.stream.Stream) -> bool:
    """Whether FFmpeg writes the header of such a container with such a track."""
    try:
        with av.open(io.BytesIO(), "w", format=container) as trial:
            CopiedTrack(stream, trial)
            trial.start_encoding()
    except (av.FFmpegError, ValueError, AttributeError):
        return False
    return True


class _Silenced:
    """A track that failed: nothing more comes of it."""

    def __init__(self, output: av.stream.Stream) -> None:
        self.output = output

    def packets(self, packet: av.Packet) -> Iterator[av.Packet]:
        return iter(())

    def rest(self) -> Iterator[av.Packet]:
        return iter(())


def described(tags: dict[str, str]) -> dict[str, str]:
    """The tags that still hold in another file."""
    return {
        key: value
        for key, value in tags.items()
        if key.lower().partition("-")[0] not in OWN_TAGS and not key.startswith("_STATISTICS")
    }


def moved(chapters: list[Any], shift: Fraction, length: Fraction | None) -> Iterator[Any]:
    """The chapters within `length` s (None: all) from `shift` s on, on a time line from there."""
    for chapter in chapters:
        ticks = round(shift / chapter["time_base"])
        start, end = max(0, chapter["start"] - ticks), chapter["end"] - ticks
        if length is not None:
            end = min(end, round(length / chapter["time_base"]))
        if end > start:
            yield {**chapter, "start": start, "end": end}
