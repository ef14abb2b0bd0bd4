"""What was saved during a run: the newest snapshots and recordings, and how the last one went."""

import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

from models.errors import StylecamError, UsageError
from realtime.control.state import Settings, Verb

Kind = Literal["snapshot", "recording"]
LIMIT = 24
SHARED_FOR = 3600.0
MOST_EXPECTED = 256
"""Snapshots that are not finished yet and whose visitors are remembered."""


@dataclass(frozen=True, slots=True)
class Saved:
    """A finished file. `key` opens it until `expires`, on the clock of the gallery, in s.

    `visitor` is who took it on the page; None if it was taken elsewhere.
    """

    number: int
    kind: Kind
    path: Path
    key: str
    expires: float
    visitor: str | None = None


class Outcome(NamedTuple):
    """How the newest attempt to save went: its path, or why not. `attempts` counts them.

    `visitor` is who asked for it on the page.
    """

    attempts: int = 0
    path: Path | None = None
    problem: str | None = None
    visitor: str | None = None


class Gallery:
    """Lists the `limit` newest files. Older ones stay on the disk, but can no longer be fetched.

    Whoever has the key of a file can fetch it for `shared_for` s. Any thread may call it.
    """

    def __init__(
        self,
        *,
        limit: int = LIMIT,
        shared_for: float = SHARED_FOR,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limit, self._shared_for, self._clock = limit, shared_for, clock
        self._lock = threading.Lock()
        self._entries: list[Saved] = []
        self._outcomes: dict[Kind, Outcome] = {}
        self._made = 0
        self._expected: dict[int, str] = {}
        self._recording_since: float | None = None
        self.version = 0

    def asked_by(self, visitor: str, verb: Verb) -> Verb:
        """The same verb; a snapshot that it asks for will be that visitor's."""

        def change(before: Settings) -> Settings:
            after = verb(before)
            with self._lock:
                for snapshot in range(before.snapshots + 1, after.snapshots + 1):
                    self._expected[snapshot] = visitor
                for oldest in list(self._expected)[:-MOST_EXPECTED]:
                    del self._expected[oldest]
            return after

        return change

    def add(self, kind: Kind, path: Path, *, snapshot: int | None = None) -> None:
        """List a finished file as the newest. `snapshot` is which one, as the settings count."""
        with self._lock:
            self._made += 1
            key, expires = secrets.token_urlsafe(9), self._clock() + self._shared_for
            visitor = self._visitor_of(snapshot)
            self._entries.insert(0, Saved(self._made, kind, path, key, expires, visitor))
            del self._entries[self._limit :]
            self._note(kind, path, None, visitor)

    def began_recording(self, path: Path) -> None:
        with self._lock:
            self._note("recording", path, None)
            self._recording_since = self._clock()

    def fail(self, kind: Kind, problem: str, *, snapshot: int | None = None) -> None:
        """Note why there is no file."""
        with self._lock:
            self._note(kind, None, problem, self._visitor_of(snapshot))

    def outcome(self, kind: Kind) -> Outcome:
        return self._outcomes.get(kind, Outcome())

    @property
    def recording_for(self) -> float | None:
        """Seconds since the running recording began; None if none runs."""
        since = self._recording_since
        return None if since is None else self._clock() - since

    def entries(self) -> list[Saved]:
        """The newest first, without files that somebody has removed."""
        with self._lock:
            return [saved for saved in self._entries if saved.path.is_file()]

    def find(self, number: int) -> Saved | None:
        return next((saved for saved in self.entries() if saved.number == number), None)

    def opens(self, number: int, key: str | None) -> bool:
        """Whether `key` opens that file now."""
        saved = self.find(number)
        if saved is None or key is None or self._clock() >= saved.expires:
            return False
        return secrets.compare_digest(saved.key.encode(), key.encode(errors="replace"))

    def delete(self, number: int) -> None:
        """Delete a listed file from the disk. Raises StylecamError."""
        saved = self.find(number)
        if saved is None:
            raise UsageError(f"nothing saved has the number {number}")
        try:
            saved.path.unlink(missing_ok=True)
        except OSError as error:
            raise StylecamError(f"{saved.path}: cannot be deleted ({error.strerror})") from None
        with self._lock:
            self._entries.remove(saved)
            self.version += 1

    def _visitor_of(self, snapshot: int | None) -> str | None:
        return None if snapshot is None else self._expected.pop(snapshot, None)

    def _note(
        self, kind: Kind, path: Path | None, problem: str | None, visitor: str | None = None
    ) -> None:
        if kind == "recording":
            self._recording_since = None
        self._outcomes[kind] = Outcome(self.outcome(kind).attempts + 1, path, problem, visitor)
        self.version += 1
