"""One track of a source file (sound or subtitles) on its way into a recording. Uses PyAV."""

from collections.abc import Iterator
from fractions import Fraction
from typing import Protocol

import av
from av.bitstream import BitStreamFilterContext
from av.subtitles.stream import SubtitleStream

DELAYED_CODECS = frozenset({"opus", "libopus"})
"""Codecs whose first packet holds sound that is heard and sound that is not."""


class Track(Protocol):
    """Turns packets of the source into packets of the recording; times are the recording's."""

    @property
    def output(self) -> av.stream.Stream: ...

    def packets(self, packet: av.Packet) -> Iterator[av.Packet]:
        """What comes of one packet, which the track may change. Raises FFmpegError."""
        ...

    def rest(self) -> Iterator[av.Packet]:
        """What was held back, after the last packet."""
        ...


class CopiedTrack:
    """Packets as they are. AAC of MPEG-TS loses its own headers, which MP4 must not hold."""

    def __init__(self, source: av.stream.Stream, output: av.container.OutputContainer) -> None:
        self.output = output.add_stream_from_template(source)
        context = source.codec_context
        self._filter: BitStreamFilterContext | None = None
        if context.name == "aac" and not context.extradata:
            self._filter = BitStreamFilterContext("aac_adtstoasc", source, self.output)
            # The filter copied the tag of MPEG-TS, too, which other containers do not know.
            self.output.codec_context.codec_tag = "\0\0\0\0"
        self._next_dts: int | None = None

    def packets(self, packet: av.Packet) -> Iterator[av.Packet]:
        step = packet.time_base
        for ready in [packet] if self._filter is None else self._filter.filter(packet):
            if ready.pts is None or ready.dts is None:
                continue
            ready.time_base = step
            # Times that run backwards (a cut recording) are refused by every container.
            if self._next_dts is not None and ready.dts < self._next_dts:
                ready.pts += self._next_dts - ready.dts
                ready.dts = self._next_dts
            self._next_dts = ready.dts + 1
            ready.stream = self.output
            yield ready

    def rest(self) -> Iterator[av.Packet]:
        return iter(())


class ConvertedTrack:
    """Sound encoded anew, because the recording's container refuses its codec.

    It begins at the recording's 0: silence fills what is missing there and in gaps.
    """

    def __init__(
        self, source: av.AudioStream, output: av.container.OutputContainer, codec: str
    ) -> None:
        self._source = source
        context = source.codec_context
        encoder = av.Codec(codec, "w")
        rates = encoder.audio_rates or [context.sample_rate]
        rate = min(rates, key=lambda known: abs(known - context.sample_rate))
        layout = _layout(codec, rate, context)
        stream = output.add_stream(codec, rate=rate, layout=layout)
        assert isinstance(stream, av.AudioStream)
        self._encoder = stream
        self._filter = _filled_from_zero(source, rate, layout, encoder)

    @property
    def output(self) -> av.stream.Stream:
        return self._encoder

    def packets(self, packet: av.Packet) -> Iterator[av.Packet]:
        for frame in self._source.decode(packet):
            self._filter.push(frame)
            yield from self._encoded()

    def rest(self) -> Iterator[av.Packet]:
        for frame in self._source.decode(None):
            self._filter.push(frame)
        self._filter.push(None)
        yield from self._encoded()
        yield from self._encoder.encode(None)

    def _encoded(self) -> Iterator[av.Packet]:
        while True:
            try:
                frame = self._filter.pull()
            except (av.BlockingIOError, av.EOFError):
                return
            assert isinstance(frame, av.AudioFrame)
            yield from self._encoder.encode(frame)


class ConvertedSubtitles:
    """Subtitles in another form of text, because the recording's container refuses theirs.

    Raises FFmpegError or ValueError for subtitles that are pictures.
    """

    def __init__(
        self, source: SubtitleStream, output: av.container.OutputContainer, codec: str
    ) -> None:
        self._decoder = source.codec_context
        self._decoder.open(strict=False)  # only then its header is known
        header = self._decoder.subtitle_header
        if not header:
            raise ValueError("they are pictures, not text")
        self.output = output.add_stream(codec)
        assert isinstance(self.output, SubtitleStream)
        self._encoder = self.output.codec_context
        self._encoder.subtitle_header = header
        self._encoder.time_base = Fraction(1, 1000)

    def packets(self, packet: av.Packet) -> Iterator[av.Packet]:
        found = self._decoder.decode2(packet)
        if not found:  # nothing is shown
            return
        ready = self._encoder.encode_subtitle(found)
        ready.pts = ready.dts = packet.pts
        ready.duration, ready.time_base = packet.duration, packet.time_base
        ready.stream = self.output
        yield ready

    def rest(self) -> Iterator[av.Packet]:
        return iter(())


def _layout(codec: str, rate: int, source: av.AudioCodecContext) -> str:
    """The channels that are encoded: the source's own where the encoder takes them."""
    if source.channels == 1:
        return "mono"
    # "5.1" and "5.1(side)" name the same speakers; encoders take one of the two.
    own = source.layout.name
    for name in (own, own.partition("(")[0]):
        trial = av.CodecContext.create(codec, "w")
        assert isinstance(trial, av.AudioCodecContext)
        try:
            trial.sample_rate, trial.layout = rate, name
            trial.format = (trial.codec.audio_formats or [source.format])[0]
            trial.open()
        except (av.FFmpegError, ValueError):
            continue
        return name
    return "stereo"


def _filled_from_zero(
    source: av.AudioStream, rate: int, layout: str, encoder: av.Codec
) -> av.filter.Graph:
    """A filter graph to `rate` and `layout` that begins at 0 and has no gaps."""
    sample_format = (encoder.audio_formats or [source.codec_context.format])[0].name
    graph = av.filter.Graph()
    nodes = [
        graph.add_abuffer(template=source),
        graph.add("aresample", f"{rate}:async=1:first_pts=0"),
        graph.add("aformat", f"sample_fmts={sample_format}:channel_layouts={layout}"),
        graph.add("abuffersink"),
    ]
    graph.link_nodes(*nodes).configure()
    return graph
