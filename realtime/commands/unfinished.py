"""What an interrupted `stylecam stylize` had finished, so that the same command goes on."""

import contextlib
import json
from collections.abc import Iterable
from pathlib import Path

import platformdirs


def _record() -> Path:
    return platformdirs.user_state_path("stylecam") / "stylize-finished.json"


def finished_before() -> set[Path]:
    """The files that were finished before the last interruption and are unchanged since."""
    try:
        finished = json.loads(_record().read_text())
        paths = {Path(name): changed for name, changed in finished.items()}
        return {path for path, changed in paths.items() if _changed(path) == changed}
    except (OSError, ValueError, AttributeError):
        return set()


def remember_finished(paths: Iterable[Path]) -> None:
    """Remember these files until the next call; none means that nothing was interrupted."""
    finished = {str(path): _changed(path) for path in paths}
    with contextlib.suppress(OSError):  # it is only a help
        if finished:
            _record().parent.mkdir(parents=True, exist_ok=True)
            _record().write_text(json.dumps(finished))
        else:
            _record().unlink(missing_ok=True)


def _changed(path: Path) -> int:
    """When the file was last changed, in ns; 0 if there is none."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0
