"""Notices that files have changed, by looking at them once a second."""

import threading
from collections.abc import Callable, Hashable, Iterable
from pathlib import Path

EVERY = 1.0
"""Seconds between two looks."""


def signature(paths: Iterable[Path]) -> Hashable:
    """What differs once one of `paths` was changed, added or removed."""
    seen = []
    for path in sorted(paths):
        try:
            found = path.stat()
        except OSError:
            continue
        seen.append((path.name, found.st_mtime_ns, found.st_size))
    return tuple(seen)


class FileWatch:
    """Calls `on_change` from a thread of its own when the files of `paths` have changed.

    It waits until two looks see the same: a copy that is under way is no change yet.
    """

    def __init__(
        self,
        paths: Callable[[], Iterable[Path]],
        on_change: Callable[[], None],
        *,
        every: float = EVERY,
    ) -> None:
        self._paths, self._on_change, self._every = paths, on_change, every
        self._seen = signature(paths())
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="file watch", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """May be called twice, and without `start`."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout=2.0)

    def _run(self) -> None:
        before = self._seen
        while not self._stop.wait(self._every):
            now = signature(self._paths())
            if now == before and now != self._seen:
                self._seen = now
                self._on_change()
            before = now
