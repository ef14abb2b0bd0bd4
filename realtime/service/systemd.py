"""Linux: a user unit of systemd, with its watchdog."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import platformdirs

from models.errors import StylecamError, UsageError
from models.system.atomic_file import write_bytes_atomically
from realtime.service import RunProgram, run_program

NAME = "stylecam.service"
UNIT = """\
[Unit]
Description=stylecam
After=graphical-session.target pipewire.service
StartLimitIntervalSec=0

[Service]
Type=notify
ExecStart={command}
Restart=on-failure
RestartSec=3
# Wrong options stay wrong.
RestartPreventExitStatus=2
WatchdogSec=30
# A virtual camera's own process stays with the call when stylecam is killed.
KillMode=process
# SIGTERM ends it within 2 s, but a long recording may have to be rewritten.
TimeoutStopSec=90

[Install]
WantedBy=default.target
"""


class Systemd:
    """A `Supervisor`. `folder` holds the user's units."""

    def __init__(self, *, folder: Path | None = None, run: RunProgram = run_program) -> None:
        self._path = (folder or platformdirs.user_config_path("systemd") / "user") / NAME
        self._run = run

    def install(self, command: Sequence[str]) -> str:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StylecamError(f"{self._path.parent}: {error.strerror}") from None
        text = unit(command)
        write_bytes_atomically(self._path, text.encode(), error=StylecamError)
        try:
            self._run(["systemctl", "--user", "daemon-reload"])
            self._run(["systemctl", "--user", "enable", NAME])
            self._run(["systemctl", "--user", "restart", "--no-block", NAME])
        except StylecamError as error:
            raise StylecamError(
                f"{self._path} is written, but not started: {error}; log in to a desktop, then:\n"
                f"  systemctl --user enable --now {NAME}"
            ) from None
        return (
            f"installed: {self._path}\n"
            "its messages: journalctl --user --unit stylecam --follow\n"
            "to run it before anybody logs in: loginctl enable-linger"
        )

    def status(self) -> tuple[bool, str]:
        self._check_installed()
        fields = self._run(
            ["systemctl", "--user", "show", NAME, "--property=ActiveState,SubState,StatusText"]
        )
        values = dict(line.split("=", 1) for line in fields.splitlines() if "=" in line)
        state = f"{values.get('ActiveState')} ({values.get('SubState')})"
        about = f": {values['StatusText']}" if values.get("StatusText") else ""
        return values.get("ActiveState") == "active", state + about

    def remove(self) -> str:
        self._check_installed()
        with suppress(StylecamError):  # no systemd runs: the file must go all the same
            self._run(["systemctl", "--user", "disable", "--now", NAME])
        self._path.unlink()
        with suppress(StylecamError):
            self._run(["systemctl", "--user", "daemon-reload"])
        return f"removed: {self._path}"

    def _check_installed(self) -> None:
        if not self._path.is_file():
            raise UsageError("no service is installed; `stylecam service install` does it")


def unit(command: Sequence[str]) -> str:
    """The unit file that runs `command`, whatever characters are in it."""
    return UNIT.format(command=" ".join(map(_quoted, command)))


def _quoted(word: str) -> str:
    """One word of ExecStart: quoted, with what systemd would replace escaped."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{escaped}"'
