"""The other end of the control socket: finds the running runs and talks to one."""

import contextlib
import json
from pathlib import Path
from typing import Any

from models.errors import StylecamError, UsageError
from realtime.control.local.endpoint import connect, endpoint_files

LARGEST_ANSWER = 1 << 20
ANSWER_TIMEOUT = 15.0
"""Seconds: a snapshot or a recording is answered when it is saved."""


class NoRun(StylecamError):  # noqa: N818  an answer, not an error of the program
    """No run was found."""


def ask(path: Path, message: dict[str, object]) -> dict[str, Any]:
    """The answer of the run behind `path`.

    Raises OSError or ValueError if it does not answer, UsageError with what it refused.
    """
    with connect(path) as connection, connection.makefile("rb") as answers:
        connection.settimeout(ANSWER_TIMEOUT)
        with contextlib.suppress(BrokenPipeError):  # refused already: the answer says why
            connection.sendall(json.dumps(message).encode() + b"\n")
        line = answers.readline(LARGEST_ANSWER)
    if not line:
        raise ConnectionResetError("the run has just ended")
    answer = json.loads(line)
    if "error" in answer:
        raise UsageError(str(answer["error"]))
    return dict(answer)


def running() -> dict[Path, dict[str, Any]]:
    """The status of every run that answers, by its endpoint. Removes files of runs that died."""
    found = {}
    for path in endpoint_files():
        try:
            found[path] = ask(path, {"get": "status"})["status"]
        except ConnectionRefusedError:
            with contextlib.suppress(OSError):
                path.unlink()
        except (OSError, ValueError, KeyError, StylecamError):
            continue
    return found


def find_run(process: int | None) -> Path:
    """The endpoint of the one run, or of the run that has that process number.

    Raises NoRun, or UsageError if several run and none was chosen.
    """
    found = running()
    if process is not None:
        found = {path: status for path, status in found.items() if status["process"] == process}
    if not found:
        which = "" if process is None else f" with process {process}"
        raise NoRun(f"no running stylecam{which} found; start one with `stylecam run`")
    if len(found) > 1:
        each = ", ".join(f"{s['process']} ({s['source']})" for s in found.values())
        raise UsageError(f"several runs found: {each}; choose one with --run")
    return next(iter(found))


def holder_of_port(port: int) -> str | None:
    """In words which run serves its page on that port; None if no run does."""
    for status in running().values():
        if port in status.get("ports", ()):
            return f"stylecam, process {status['process']}, showing {status['source']}"
    return None
