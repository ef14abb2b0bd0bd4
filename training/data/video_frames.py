"""Frames of a video as photographs: evenly spread, without near repeats."""

from collections.abc import Iterator
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from models.errors import UsageError
from training.data.tensors import Picture, shrink_to

MOST_FRAMES = 300
LONG = 30_000
"""Of a video with more frames only key frames are decoded; that takes seconds, not minutes."""
THUMBNAIL = 24
ALIKE = 4.0
"""Mean difference of two thumbnails, in levels of 255, below which frames count as repeats."""


def sample_video(path: Path, short_side: int) -> tuple[list[Picture], int]:
    """At most MOST_FRAMES upright frames of a video, and how often the decoder failed.

    Their shorter side is at most `short_side`. Raises UsageError if no frame can be decoded."""
    try:
        with av.open(str(path)) as container:
            # FFmpeg would show plain text as moving letters, which nobody wants.
            if container.format.name == "tty" or not container.streams.video:
                raise UsageError(f"{path}: neither a picture nor a video")
            video = _Video(container)
            frames = without_repeats(_spread(video, short_side))
    except (av.FFmpegError, OSError):
        raise UsageError(f"{path}: neither a picture nor a video that can be read") from None
    if not frames:
        raise UsageError(f"{path}: not one frame of it could be decoded; is it damaged?")
    return frames, video.errors


class _Video:
    """The frames of an opened container in order; `errors` counts failures to decode."""

    def __init__(self, container: av.container.InputContainer) -> None:
        self._container, self._stream = container, container.streams.video[0]
        self._stream.thread_type = "AUTO"
        seconds = (container.duration or 0) / av.time_base
        rate = float(self._stream.average_rate or 0)
        if max(self._stream.frames, seconds * rate) > LONG:
            self._stream.codec_context.skip_frame = "NONKEY"
        self.errors = 0

    def __iter__(self) -> Iterator[av.VideoFrame]:
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets, None)
            except av.FFmpegError:
                self.errors += 1
                packet = None
            if packet is None:
                return
            try:
                yield from packet.decode()
            except av.FFmpegError:
                self.errors += 1


def _spread(video: _Video, short_side: int) -> list[Picture]:
    """Every k-th frame. If they become too many, every second one is dropped and k doubles."""
    every = 1
    kept: list[Picture] = []
    for i, frame in enumerate(video):
        if i % every:
            continue
        upright = np.rot90(frame.to_ndarray(format="rgb24"), round(frame.rotation / 90) % 4)
        kept.append(shrink_to(np.ascontiguousarray(upright), short_side))
        if len(kept) > MOST_FRAMES:
            kept, every = kept[::2], every * 2
    return kept


def without_repeats(pictures: list[Picture]) -> list[Picture]:
    """The pictures without near repeats of earlier ones, judged by their thumbnails."""
    kept: list[Picture] = []
    seen: list[NDArray[np.float32]] = []
    for picture in pictures:
        thumbnail = cv2.resize(picture, (THUMBNAIL,) * 2, interpolation=cv2.INTER_AREA)
        small = np.asarray(thumbnail, np.float32)
        if all(float(np.abs(small - other).mean()) >= ALIKE for other in seen):
            kept.append(picture)
            seen.append(small)
    return kept
