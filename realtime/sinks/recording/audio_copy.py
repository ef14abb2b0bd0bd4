"""Copies the sound of a source file, packet by packet, beside the new pictures. Uses PyAV."""

import logging
from collections.abc import Iterator
from pathlib import Path

import av

log = logging.getLogger(__name__)


class AudioCopy:
    """Copies the audio of one file into another unchanged, in step with the pictures.

    Times are in seconds on the new file's time line: its 0 is the source's picture at `begin`.
    Sound that cannot be copied is left out, with a warning.
    """

    def __init__(self, path: Path, output: av.container.OutputContainer, *, begin: float) -> None:
        self._path = path
        self._output = output
        self._source: av.container.InputContainer | None = None
        self._packets: Iterator[av.Packet] = iter(())
        try:
            self._source = av.open(str(path))
        except av.FFmpegError as error:
            log.warning("%s: its sound is left out (%s)", path, error.strerror)
        else:
            self._add_stream(self._source, begin)
        self._pending = next(self._packets, None)

    def _add_stream(self, source: av.container.InputContainer, begin: float) -> None:
        stream = next(iter(source.streams.audio), None)
        if stream is None:
            return
        try:
            self._target = self._output.add_stream_from_template(stream)
        except ValueError:
            codec, suffix = stream.codec_context.name, Path(self._output.name).suffix
            log.warning("%s: its sound is left out: %s cannot hold %s", self._path, suffix, codec)
        else:
            self._packets = self._timed(source, stream, begin)

    def _timed(
        self, source: av.container.InputContainer, stream: av.AudioStream, begin: float
    ) -> Iterator[av.Packet]:
        """The packets from `begin` on, moved to the new time line."""
        assert stream.time_base is not None
        video = next(iter(source.streams.video), None)
        if video is not None and video.start_time is not None and video.time_base is not None:
            begin += float(video.start_time * video.time_base)
        shift = round(begin / stream.time_base)
        packets = source.demux(stream)
        while True:
            try:
                packet = next(packets, None)
            except av.FFmpegError as error:
                log.warning("%s: its sound ends early (%s)", self._path, error.strerror)
                return
            if packet is None:
                return
            if packet.pts is None or packet.dts is None or packet.pts < shift:
                continue
            packet.pts -= shift
            packet.dts -= shift
            yield packet

    def advance(self, until: float) -> None:
        """Copy the packets that begin before `until` (in seconds)."""
        while self._pending is not None:
            packet = self._pending
            assert packet.pts is not None
            if packet.pts * packet.time_base >= until:
                return
            packet.stream = self._target
            try:
                self._output.mux(packet)
            except av.FFmpegError as error:
                log.warning("%s: its sound is left out from here (%s)", self._path, error.strerror)
                self._pending = None
                return
            self._pending = next(self._packets, None)

    def close(self) -> None:
        self._pending = None
        if self._source is not None:
            self._source.close()
