"""What `stylecam stylize` has finished, so that the same command goes on after an interruption."""

import contextlib
import hashlib
import json
import time
from collections.abc import Iterable
from pathlib import Path

import platformdirs

from models.system.atomic_file import replacing

KEPT_FOR = 90 * 24 * 3600.0
"""Seconds after which the record of a command that was never repeated is removed."""


class FinishedFiles:
    """The files that one command, known by all that it was asked for, has finished.

    It is on the disk after every file, for Ctrl-C, a crash and a power cut alike.
    """

    def __init__(self, command: str) -> None:
        name = hashlib.sha256(command.encode()).hexdigest()[:16]
        self._record = _folder() / f"stylize-{name}.json"
        self._files = _unchanged(self._record)

    def __contains__(self, path: Path) -> bool:
        """Whether an earlier call finished it, and it is unchanged since."""
        return str(path.absolute()) in self._files

    def add(self, path: Path) -> None:
        self._files[str(path.absolute())] = _changed(path)
        self._write()

    def forget(self) -> None:
        """All is done: the next call of the command begins anew."""
        with contextlib.suppress(OSError):
            self._record.unlink(missing_ok=True)
            _remove_old(_folder().glob("stylize-*.json"))

    def _write(self) -> None:
        with contextlib.suppress(OSError):  # it is only a help
            self._record.parent.mkdir(parents=True, exist_ok=True)
            with replacing(self._record) as partial:
                partial.write_text(json.dumps(self._files))


def _folder() -> Path:
    return platformdirs.user_state_path("stylecam")


def _unchanged(record: Path) -> dict[str, int]:
    try:
        files = json.loads(record.read_text())
        return {name: then for name, then in files.items() if then and _changed(Path(name)) == then}
    except (OSError, ValueError, AttributeError):
        return {}


def _remove_old(records: Iterable[Path]) -> None:
    for record in records:
        if record.stat().st_mtime < time.time() - KEPT_FOR:
            record.unlink(missing_ok=True)


def _changed(path: Path) -> int:
    """When the file was last changed, in ns; 0 if there is none."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0
