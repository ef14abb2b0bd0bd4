"""Measurements in a process of their own: its memory and its threads are those of the run alone."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from models.errors import StylecamError


def in_child(
    module: str, words: dict[str, Any], *, what: str, timeout: float, if_hung: str
) -> dict[str, Any]:
    """What `python -m MODULE WORDS` prints as its last line; both are JSON.

    `what` is measured, and `if_hung` says what to do if that takes longer than `timeout` s, for
    messages. Raises StylecamError then, and with the child's own message if it fails.
    """
    command = [sys.executable, "-m", module, json.dumps(words)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=timeout)
    except subprocess.TimeoutExpired:
        raise StylecamError(f"{what} hung for {timeout:.0f} s; {if_hung}") from None
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        raise StylecamError(f"{what} failed: {lines[-1]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def answer(measure: Callable[[dict[str, Any]], Any]) -> int:
    """In the child: print what `measure` makes of the WORDS, a dataclass, or why it failed.

    Returns the exit code.
    """
    try:
        print(json.dumps(asdict(measure(json.loads(sys.argv[1])))))
    except StylecamError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0
