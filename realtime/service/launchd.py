"""macOS: an agent of launchd."""

import os
import plistlib
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from models.errors import StylecamError, UsageError
from models.system.atomic_file import write_bytes_atomically
from realtime.service import RunProgram, run_program

LABEL = "org.stylecam"


class Launchd:
    """A `Supervisor`. `home` is the user's folder."""

    def __init__(self, *, home: Path | None = None, run: RunProgram = run_program) -> None:
        home = home or Path.home()
        self._path = home / "Library" / "LaunchAgents" / f"{LABEL}.plist"
        self._log = home / "Library" / "Logs" / "stylecam.log"
        self._run = run

    @property
    def _domain(self) -> str:
        return f"gui/{os.getuid()}"

    def install(self, command: Sequence[str]) -> str:
        agent = {
            "Label": LABEL,
            "ProgramArguments": list(command),
            "RunAtLoad": True,
            "KeepAlive": {"SuccessfulExit": False},
            "ThrottleInterval": 3,
            "ExitTimeOut": 90,
            "StandardErrorPath": str(self._log),
        }
        for folder in (self._path.parent, self._log.parent):
            folder.mkdir(parents=True, exist_ok=True)
        with suppress(StylecamError):  # none ran
            self._run(["launchctl", "bootout", f"{self._domain}/{LABEL}"])
        write_bytes_atomically(self._path, plistlib.dumps(agent), error=StylecamError)
        self._run(["launchctl", "bootstrap", self._domain, str(self._path)])
        return f"installed: {self._path}\nits messages: {self._log}"

    def status(self) -> tuple[bool, str]:
        self._check_installed()
        try:
            told = self._run(["launchctl", "print", f"{self._domain}/{LABEL}"])
        except StylecamError:
            return False, "not loaded"
        states = [line.split("=")[1].strip() for line in told.splitlines() if "state =" in line]
        state = states[0] if states else "unknown"
        return state == "running", state

    def remove(self) -> str:
        self._check_installed()
        with suppress(StylecamError):
            self._run(["launchctl", "bootout", f"{self._domain}/{LABEL}"])
        self._path.unlink()
        return f"removed: {self._path}"

    def _check_installed(self) -> None:
        if not self._path.is_file():
            raise UsageError("no service is installed; `stylecam service install` does it")
