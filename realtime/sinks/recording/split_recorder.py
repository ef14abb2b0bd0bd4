"""A recording in parts: a new file after so much time, or so many bytes."""

import threading
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Protocol

from models.errors import StylecamError
from realtime.frames.frame import Frame, FrameFormat
from realtime.sinks import Sink


class Part(Sink, Protocol):
    """The recorder of one part."""

    def end_at(self, timestamp: float) -> None:
        """Show the last picture until then, in seconds on the source's time line."""
        ...


class SplitRecorder(Sink):
    """Records into `path`, then NAME-2, NAME-3 and so on beside it; existing files are skipped.

    `make` makes the recorder of one part, without sound of a source. A part ends after `seconds`,
    or `size` bytes (None: no limit). It is finished in the background while the next one goes on;
    what goes wrong there is raised by the next `write`, or by `close`.
    """

    live = False

    def __init__(
        self,
        path: Path,
        make: Callable[[Path], Part],
        *,
        name: str,
        seconds: float | None = None,
        size: float | None = None,
    ) -> None:
        self.name = name
        self._path, self._make = path, make
        self._seconds, self._size = seconds, size
        self._numbers = count(2)
        self._part, self._recorder = path, make(path)
        self.pump_interval = self._recorder.pump_interval
        self._began: float | None = None
        self._finishing: list[tuple[threading.Thread, Sink]] = []
        self._error: StylecamError | None = None

    @property
    def close_timeout(self) -> float:
        recorders = [self._recorder, *(recorder for _, recorder in self._finishing)]
        return sum(recorder.close_timeout for recorder in recorders)

    def open(self, frames: FrameFormat) -> None:
        self._frames = frames
        self._recorder.open(frames)

    def write(self, frame: Frame) -> None:
        self._raise_error()
        if self._began is None:
            self._began = frame.timestamp
        elif self._full(frame.timestamp - self._began):
            self._begin_part(frame.timestamp)
            self._began = frame.timestamp
        self._recorder.write(frame)

    def pump(self) -> None:
        self._raise_error()
        self._recorder.pump()

    def close(self) -> None:
        try:
            self._recorder.close()
        finally:
            for thread, _ in self._finishing:
                thread.join()
            self._finishing.clear()
        self._raise_error()

    def _full(self, seconds: float) -> bool:
        if self._seconds is not None and seconds >= self._seconds:
            return True
        return self._size is not None and self._written() >= self._size

    def _written(self) -> int:
        try:
            return self._part.stat().st_size
        except OSError:  # removed: the recorder will tell
            return 0

    def _begin_part(self, timestamp: float) -> None:
        names = (f"{self._path.stem}-{n}{self._path.suffix}" for n in self._numbers)
        parts = (self._path.with_name(name) for name in names)
        self._part = next(part for part in parts if not part.exists())
        # The next one is open before this one closes: a microphone that both hear stays open.
        following = self._make(self._part)
        try:
            following.open(replace(self._frames, begin=None))
        except StylecamError:
            following.close()
            raise
        self._recorder.end_at(timestamp)
        self._finish_in_background(self._recorder)
        self._recorder = following

    def _finish_in_background(self, recorder: Sink) -> None:
        def finish() -> None:
            try:
                recorder.close()
            except StylecamError as error:
                self._error = self._error or error

        thread = threading.Thread(target=finish, name=f"finish {self._part.name}", daemon=True)
        thread.start()
        self._finishing = [entry for entry in self._finishing if entry[0].is_alive()]
        self._finishing.append((thread, recorder))

    def _raise_error(self) -> None:
        error, self._error = self._error, None
        if error is not None:
            raise error
