"""Runs stylecam at every login, restarted when it fails. Each system has a file beside this one."""

import shutil
import subprocess
from collections.abc import Callable, Sequence
from typing import Protocol

from models.errors import StylecamError

RunProgram = Callable[[Sequence[str]], str]


class Supervisor(Protocol):
    """What starts programs at login on one system. Every call raises StylecamError."""

    def install(self, command: Sequence[str]) -> str:
        """Have `command` run now and at every login, in place of an earlier one; say what is so."""
        ...

    def status(self) -> tuple[bool, str]:
        """Whether it runs now, and a line about it."""
        ...

    def remove(self) -> str:
        """Stop it and forget it; say so."""
        ...


def run_program(command: Sequence[str]) -> str:
    """What a program of the system prints. Raises StylecamError with its reason if it fails."""
    if shutil.which(command[0]) is None:
        raise StylecamError(f"{command[0]}: not found; this system starts services another way")
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    if done.returncode:
        reason = (done.stderr or done.stdout).strip().splitlines() or [f"code {done.returncode}"]
        raise StylecamError(f"{' '.join(command)}: {reason[0]}")
    return done.stdout
