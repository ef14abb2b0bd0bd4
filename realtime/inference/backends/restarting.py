"""A backend that is replaced by a fresh one when it hangs, keeps failing, or loses its GPU.

The graphics driver or the runtime is at fault then, and a new session usually works.
"""

import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import Any

from models.card import StyleCard
from models.errors import ModelError, UsageError
from models.pictures import RGB
from realtime.frames.size import Size
from realtime.inference.backends import Backend

PATIENCE = 2.0
"""Seconds that a painting may take before the backend counts as stuck."""
TIMES_USUAL = 10.0
"""A slow machine's paintings get so many times what the last one took."""
FIRST_PATIENCE = 60.0
"""Seconds for the first painting of a size: some runtimes plan it first."""
FAILING = 2.0
"""Seconds of failures, without a success, after which a backend is replaced."""
STEADY = 10.0
"""Seconds of success after which a replaced backend counts as sound."""
LOADING = 60.0
"""Seconds after which a fresh backend that is still being loaded is given up."""
LONGEST_BACKOFF = 30.0
CLOSING = 1.0
"""Seconds that `close` waits for the backend."""


class _Worker:
    """Does one thing at a time in a thread of its own, which may hang for ever."""

    def __init__(self) -> None:
        self._work: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        threading.Thread(target=self._run, name="generator", daemon=True).start()

    def submit(self, work: Callable[[], Any]) -> "Future[Any]":
        future: Future[Any] = Future()

        def do() -> None:
            try:
                future.set_result(work())
            except BaseException as error:
                future.set_exception(error)

        self._work.put(do)
        return future

    def end(self) -> None:
        """End the thread once it has done all that was submitted."""
        self._work.put(None)

    def _run(self) -> None:
        while (work := self._work.get()) is not None:
            work()


class RestartingBackend:
    """A `Backend` for live runs, around those that `make` makes.

    A painting that does not come in time, or FAILING seconds of failures, are a ModelError; then
    a fresh backend is loaded beside it, and takes over. From the second time on it is one of
    `fallback` (None: of `make` again). `on_message` gets one line when a fresh one has taken over.
    """

    def __init__(
        self,
        make: Callable[[], Backend],
        *,
        fallback: Callable[[], Backend] | None = None,
        on_message: Callable[[str], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._make, self._fallback, self._on_message = make, fallback, on_message
        self._clock = clock
        self._card: StyleCard | None = None
        self._backend: Backend | None = None
        self._worker: _Worker | None = None
        self._needs_frame = True
        self._threads: int | None = None
        self._usual: dict[Size, float] = {}
        self._newest: Size | None = None
        self._failing_since: float | None = None
        self._restarts = 0
        self._sound_from = 0.0
        self._fresh: Future[tuple[Backend, str]] | None = None
        self._begun = self._next_start = 0.0

    def load(self, card: StyleCard) -> str:
        self._card = card
        backend = self._make()
        try:
            line = backend.load(card)
        except BaseException:
            backend.close()
            raise
        self._take(backend)
        return line

    @property
    def needs_frame(self) -> bool:
        """See `Backend.needs_frame`. It stays what it was while a fresh one is being loaded."""
        return self._needs_frame

    @property
    def first_is_slow(self) -> bool:
        """See `Backend.first_is_slow`."""
        assert self._backend is not None, "load first"
        return self._backend.first_is_slow

    @property
    def threads(self) -> int | None:
        """See `Backend.threads`. It stays what it was while a fresh one is being loaded."""
        return self._threads

    def warm_up(self, height: int, width: int) -> None:
        assert self._backend is not None, "load first"
        began = self._clock()
        self._backend.warm_up(height, width)
        self._usual[Size(width, height)] = self._clock() - began

    def stylize(self, rgb: RGB, strength: float = 1.0, *, at: Size | None = None) -> RGB:
        """See `Backend.stylize`. Raises ModelError if it does not answer or is being restarted."""
        self._follow_restart()
        backend, worker = self._backend, self._worker
        if backend is None or worker is None:
            raise ModelError("it is being started again")
        began, size = self._clock(), at or Size(rgb.shape[1], rgb.shape[0])
        self._newest = size
        painting = worker.submit(lambda: backend.stylize(rgb, strength, at=at))
        patience = self._patience(size)
        try:
            painted: RGB = painting.result(patience)
        except UsageError:
            raise
        except Exception as error:
            if not painting.done():
                self._restart()
                raise ModelError(f"no answer for {patience:.0f} s; starting it again") from None
            self._note_failure(error)
            raise
        self._usual[size] = self._clock() - began
        self._note_success()
        return painted

    def close(self) -> None:
        closing = self._abandon()
        if closing is not None:
            wait([closing], CLOSING)
        if self._fresh is not None:
            self._fresh.add_done_callback(_close_result)
            self._fresh = None

    def _patience(self, size: Size) -> float:
        usual = self._usual.get(size)
        return FIRST_PATIENCE if usual is None else max(PATIENCE, TIMES_USUAL * usual)

    def _note_failure(self, error: Exception) -> None:
        now = self._clock()
        self._failing_since = now if self._failing_since is None else self._failing_since
        if now - self._failing_since >= FAILING:
            self._restart()

    def _note_success(self) -> None:
        self._failing_since = None
        if self._restarts and self._clock() - self._sound_from >= STEADY:
            self._restarts = 0

    def _restart(self) -> None:
        """Leave the present backend behind and load a fresh one, now or after a pause."""
        self._abandon()
        pause = 0.0 if not self._restarts else min(2.0**self._restarts, LONGEST_BACKOFF)
        self._restarts += 1
        self._next_start = self._clock() + pause

    def _follow_restart(self) -> None:
        now = self._clock()
        if self._fresh is not None and self._fresh.done():
            self._take_fresh(self._fresh)
        elif self._fresh is not None and now - self._begun >= LOADING:
            self._fresh.add_done_callback(_close_result)
            self._fresh = None
            self._restart()
        elif self._backend is None and self._fresh is None and now >= self._next_start:
            self._begin_loading()

    def _begin_loading(self) -> None:
        card, size, self._begun = self._card, self._newest, self._clock()
        assert card is not None, "load first"
        make = self._fallback if self._fallback is not None and self._restarts > 1 else self._make
        fresh: Future[tuple[Backend, str]] = Future()
        self._fresh = fresh

        def load() -> None:
            backend = None
            try:
                backend = make()
                line = backend.load(card)
                if size is not None:
                    backend.warm_up(size.height, size.width)
                fresh.set_result((backend, line))
            except BaseException as error:
                if backend is not None:
                    backend.close()
                fresh.set_exception(error)

        threading.Thread(target=load, name="restart generator", daemon=True).start()

    def _take_fresh(self, fresh: "Future[tuple[Backend, str]]") -> None:
        self._fresh = None
        if fresh.exception() is not None:
            self._restart()
            return
        backend, line = fresh.result()
        self._take(backend)
        self._sound_from, self._failing_since = self._clock(), None
        self._on_message(f"the generator was started again: {line}")

    def _take(self, backend: Backend) -> None:
        self._backend, self._worker = backend, _Worker()
        self._needs_frame, self._threads = backend.needs_frame, backend.threads
        self._usual.clear()

    def _abandon(self) -> "Future[None] | None":
        """Have the present backend closed in its own thread once it is done with its work."""
        closing = None
        if self._backend is not None and self._worker is not None:
            closing = self._worker.submit(self._backend.close)
            self._worker.end()
        self._backend = self._worker = None
        return closing


def _close_result(future: "Future[tuple[Backend, str]]") -> None:
    if future.exception() is None:
        future.result()[0].close()
