"""Rewrites a fragmented MP4 or MOV as a plain one, whose index comes first. Uses PyAV."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import av

from models.system.atomic_file import replacing
from realtime.frames.files import file_address

log = logging.getLogger(__name__)


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
        for packet in source.demux(*copied):
            if packet.dts is not None:  # the last packet of a stream is empty
                packet.stream = streams[packet.stream_index]
                output.mux(packet)
