"""Rewrites a fragmented MP4 or MOV as a plain one, whose index comes first. Uses PyAV."""

import logging
from pathlib import Path

import av

from models.system.atomic_file import replacing

log = logging.getLogger(__name__)


def remux(path: Path, container: str) -> None:
    """Rewrite `path` in place without re-encoding; `container` is FFmpeg's name, mp4 or mov.

    Some players seek badly in fragments. If this fails (a full disk), a warning says so, and the
    fragmented file stays, which can be played too.
    """
    path = path.resolve()
    if not path.is_file():  # a device, a pipe
        return
    try:
        with replacing(path) as partial:
            _copy(path, partial, container)
    except (av.FFmpegError, OSError) as error:
        log.warning("%s: stays in fragments (%s); some players seek in it badly", path, error)


def _copy(path: Path, target: Path, container: str) -> None:
    options = {"movflags": "faststart"}
    with (
        av.open(str(path)) as source,
        av.open(str(target), "w", format=container, options=options) as output,
    ):
        streams = {
            stream.index: output.add_stream_from_template(stream, opaque=True)
            for stream in source.streams
        }
        for packet in source.demux():
            if packet.dts is not None:  # the last packet of a stream is empty
                packet.stream = streams[packet.stream_index]
                output.mux(packet)
