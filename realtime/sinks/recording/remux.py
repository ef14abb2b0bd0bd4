"""Rewrites a fragmented MP4 or MOV as a plain one, whose index comes first. Uses PyAV."""

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import av

from models.system.atomic_file import replacing
from realtime.frames.files import file_address

SLOWEST_DISK = 10e6
"""Bytes per second: the lowest speed assumed for rewriting a finished recording."""

log = logging.getLogger(__name__)


def longest(path: Path) -> float:
    """Seconds that `remux` may take."""
    return path.stat().st_size / SLOWEST_DISK if path.is_file() else 0.0


def remux(path: Path, container: str, chapters: Sequence[Any] = ()) -> None:
    """Rewrite `path` in place without re-encoding; `container` is FFmpeg's name, mp4 or mov.

    Fragments hold no chapters: `chapters` (as PyAV gives them) get in here. Some players seek
    badly in fragments. If this fails (a full disk), a warning says so, and the fragmented file
    stays, which can be played too.
    """
    path = path.resolve()
    if not path.is_file():  # a device, a pipe
        return
    try:
        with replacing(path) as partial:
            _copy(path, partial, container, chapters)
    except (av.FFmpegError, OSError) as error:
        log.warning("%s: stays in fragments (%s); some players seek in it badly", path, error)


def _copy(path: Path, target: Path, container: str, chapters: Sequence[Any]) -> None:
    options = {"movflags": "faststart"}
    with (
        av.open(file_address(path)) as source,
        av.open(file_address(target), "w", format=container, options=options) as output,
    ):
        # A track of time codes is data, and is left out with its tag: FFmpeg would make it anew at
        # the rate of the time base.
        copied = [stream for stream in source.streams if stream.type != "data"]
        streams = {
            stream.index: output.add_stream_from_template(stream, opaque=True) for stream in copied
        }
        for stream in copied:
            streams[stream.index].disposition = stream.disposition
            tags = {key: value for key, value in stream.metadata.items() if key != "timecode"}
            streams[stream.index].metadata.update(tags)
        output.metadata.update(source.metadata)
        output.set_chapters(list(chapters))
        for packet in _lasting(source, copied):
            packet.stream = streams[packet.stream_index]
            output.mux(packet)


def _lasting(
    source: av.container.InputContainer, streams: list[av.stream.Stream]
) -> Iterator[av.Packet]:
    """The packets, each with a duration: of VP9 in fragments, FFmpeg's reader tells none.

    Then it lasts until the next one of its stream; a last one without any would not be shown.
    """
    held: dict[int, av.Packet] = {}
    for packet in source.demux(*streams):
        before = held.pop(packet.stream_index, None)
        if before is not None:
            end = packet.dts
            if end is None:  # the last packet of a stream is empty
                end = (packet.stream.start_time or 0) + (packet.stream.duration or 0)
            before.duration = max(1, end - (before.dts or 0))
            yield before
        if packet.dts is None:
            continue
        if packet.duration:
            yield packet
        else:
            held[packet.stream_index] = packet
    yield from held.values()
