"""Windows: a scheduled task at logon, restarted when it fails."""

import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from xml.sax.saxutils import escape

from models.errors import StylecamError, UsageError
from realtime.service import RunProgram, run_program

NAME = "stylecam"
TASK = """\
<?xml version="1.0" encoding="UTF-16"?>
<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <Triggers><LogonTrigger><Enabled>true</Enabled></LogonTrigger></Triggers>
  <Settings>
    <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>
    <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>
    <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>
    <ExecutionTimeLimit>PT0S</ExecutionTimeLimit>
    <RestartOnFailure><Interval>PT1M</Interval><Count>999</Count></RestartOnFailure>
  </Settings>
  <Actions><Exec>
    <Command>{program}</Command>
    <Arguments>{arguments}</Arguments>
  </Exec></Actions>
</Task>
"""


class WindowsTask:
    """A `Supervisor`."""

    def __init__(self, *, run: RunProgram = run_program) -> None:
        self._run = run

    def install(self, command: Sequence[str]) -> str:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "stylecam.xml"
            path.write_text(task(command), encoding="utf-16")
            self._run(["schtasks", "/Create", "/TN", NAME, "/XML", str(path), "/F"])
        self._run(["schtasks", "/Run", "/TN", NAME])
        return f"installed: the scheduled task {NAME}"

    def status(self) -> tuple[bool, str]:
        told = self._query()
        state = told.strip().strip('"').split('","')[-1]
        return state == "Running", state

    def remove(self) -> str:
        self._query()
        with suppress(StylecamError):  # it does not run
            self._run(["schtasks", "/End", "/TN", NAME])
        self._run(["schtasks", "/Delete", "/TN", NAME, "/F"])
        return f"removed: the scheduled task {NAME}"

    def _query(self) -> str:
        try:
            return self._run(["schtasks", "/Query", "/TN", NAME, "/FO", "CSV", "/NH"])
        except StylecamError:
            raise UsageError(
                "no service is installed; `stylecam service install` does it"
            ) from None


def task(command: Sequence[str]) -> str:
    """The definition of a task that runs `command`."""
    program, *arguments = command
    return TASK.format(
        program=escape(program), arguments=escape(subprocess.list2cmdline(arguments))
    )
