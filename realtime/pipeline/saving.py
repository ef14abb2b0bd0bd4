"""Saves what the user asks for during a run: snapshots and recordings."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from pathlib import Path

from models.errors import StylecamError
from models.pictures import RGB
from realtime.control.gallery import Gallery, Kind
from realtime.control.state import Settings, SettingsStore
from realtime.frames.frame import FrameFormat
from realtime.pipeline.metrics import Metrics
from realtime.pipeline.sink_runner import SinkGroup, SinkRunner
from realtime.sinks import Sink

MOST_SNAPSHOTS = 8
"""Snapshots that may wait to be written: more, of a key held down, would fill the memory."""

PROMPT, SLOW = 0.25, 2.0
"""Seconds for which the painting waits for a recording to be opened, so that its first frame is
that of the key; and those after which the user is told that it has not begun."""


@dataclass(frozen=True)
class SaveTargets:
    """How to save: `snapshot` writes a picture and returns its path, `recording` makes a sink.

    The sink is for a new file. Both raise StylecamError. None means not possible in this run.
    `gallery` lists what was saved.
    """

    snapshot: Callable[[RGB], Path] | None = None
    recording: Callable[[], Sink] | None = None
    gallery: Gallery = field(default_factory=Gallery)


class SaveController:
    """Follows the settings: takes each requested snapshot once; starts and stops recordings.

    Other threads write the files, so that painting continues. `say` gets one line about each file
    that was saved, `on_fault` one about each that was not.
    """

    def __init__(
        self,
        save_targets: SaveTargets,
        outputs: SinkGroup,
        box: SettingsStore,
        metrics: Metrics,
        say: Callable[[str], None],
        *,
        on_fault: Callable[[str], None] | None = None,
    ) -> None:
        self._save_targets, self._outputs, self._box = save_targets, outputs, box
        self._gallery = save_targets.gallery
        self._metrics, self._say = metrics, say
        self._fault = on_fault or say
        self._taken = box.current.snapshots
        self._recording: SinkRunner | None = None
        self._opening: Future[SinkRunner] | None = None
        self._opening_since = 0.0
        self._told_slow = False
        self._room = threading.BoundedSemaphore(MOST_SNAPSHOTS)
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="saving")

    def follow(self, settings: Settings, rgb: RGB, frames: FrameFormat) -> None:
        """Act on changed settings. `rgb` is the current picture, `frames` what recordings get."""
        if settings.snapshots > self._taken and self._save_targets.snapshot is not None:
            asked = range(self._taken + 1, settings.snapshots + 1)
            self._take_snapshots(asked, self._save_targets.snapshot, rgb)
        self._taken = settings.snapshots
        if self._opening is not None:
            self._take_opened(self._opening)
            return
        running = self._recording is not None and self._recording.alive
        if self._recording is not None and not running:
            # It failed, and the fault was reported; the settings must not say that it is running.
            self._gallery.fail("recording", str(self._recording.error or "the recording ended"))
            self._recording = None
            self._box.apply(lambda s: replace(s, recording=False))
        elif settings.recording and not running:
            self._start(frames)
        elif self._recording is not None and not settings.recording:
            self._recording.queue.close()  # the current frame must not get into it
            self._pool.submit(self._finish, self._recording)
            self._recording = None

    def close(self) -> None:
        """Finish everything; return when all is written. To be called after the last `follow`."""
        if self._opening is not None:
            wait([self._opening], SLOW)
            self._take_opened(self._opening)
        if self._recording is not None:
            self._pool.submit(self._finish, self._recording)
        self._pool.shutdown()

    def _take_snapshots(self, asked: range, write: Callable[[RGB], Path], rgb: RGB) -> None:
        for number in asked:
            if not self._room.acquire(blocking=False):
                left = asked.stop - number
                skipped = f"{left} snapshots skipped: the disk is too slow for so many"
                self._failed("snapshot", skipped, number)
                return
            self._pool.submit(self._snapshot, write, rgb, number)

    def _snapshot(self, write: Callable[[RGB], Path], rgb: RGB, number: int) -> None:
        try:
            path = write(rgb)
            self._say(f"snapshot: {path}")
            self._gallery.add("snapshot", path, snapshot=number)
        except StylecamError as error:
            self._failed("snapshot", str(error), number)
        except Exception as error:
            reason = f"the snapshot failed: {type(error).__name__}: {error}"
            self._failed("snapshot", reason, number)
        finally:
            self._room.release()

    def _failed(self, kind: Kind, reason: str, snapshot: int | None = None) -> None:
        self._fault(reason)
        self._gallery.fail(kind, reason, snapshot=snapshot)

    def _start(self, frames: FrameFormat) -> None:
        """Open a recording in a thread of its own: a disk that hangs must not hold the painting."""
        opening: Future[SinkRunner] = Future()
        self._opening, self._opening_since = opening, time.monotonic()

        def work() -> None:
            try:
                opening.set_result(self._opened(frames))
            except StylecamError as error:
                opening.set_exception(error)
            except Exception as error:
                reason = f"the recording failed: {type(error).__name__}: {error}"
                opening.set_exception(StylecamError(reason))

        threading.Thread(target=work, name="open recording", daemon=True).start()
        wait([opening], PROMPT)
        self._take_opened(opening)

    def _opened(self, frames: FrameFormat) -> SinkRunner:
        if self._save_targets.recording is None:
            raise StylecamError("recording is not available in this run")
        output = SinkRunner(
            self._save_targets.recording(), self._metrics, lossless=False, local=False
        )
        # It begins with the picture of now, not where the source began.
        self._outputs.add(output, replace(frames, begin=None))
        return output

    def _take_opened(self, opening: "Future[SinkRunner]") -> None:
        """Go on with a recording that has been opened, or tell why it has not."""
        if not opening.done():
            if time.monotonic() - self._opening_since >= SLOW and not self._told_slow:
                self._told_slow = True
                self._failed("recording", f"the recording has not begun after {SLOW:g} s")
            return
        self._opening, self._told_slow = None, False
        error = opening.exception()
        if error is not None:
            self._failed("recording", str(error))
            self._box.apply(lambda s: replace(s, recording=False))
            return
        self._recording = opening.result()
        name = self._recording.sink.name.removeprefix("file:")
        self._gallery.began_recording(Path(name))
        self._say(f"recording: {name}")

    def _finish(self, output: SinkRunner) -> None:
        self._outputs.remove(output)
        name = output.sink.name.removeprefix("file:")
        if output.error is not None:
            self._gallery.fail("recording", str(output.error))
        elif output.written == 0:
            self._failed("recording", f"not recorded: no picture came for {name}")
        else:
            self._say(f"recorded: {name}")
            self._gallery.add("recording", Path(name))
