"""What is written and which programs are called for a service, on each system."""

import plistlib
import shlex
import shutil
import subprocess
from xml.etree import ElementTree

import pytest

from models.errors import StylecamError, UsageError
from realtime.service import run_program
from realtime.service.launchd import Launchd
from realtime.service.systemd import Systemd, unit
from realtime.service.windows_task import WindowsTask, task

COMMAND = ["/opt/my venv/bin/stylecam", "run", "--source", '100% "real" $HOME\\x', "--sink", "web"]


class Programs:
    """Stands in for the system's programs: keeps the calls, answers by the script."""

    def __init__(self, **answers: str | Exception) -> None:
        self.calls: list[str] = []
        self._answers = answers

    def __call__(self, command) -> str:
        self.calls.append(" ".join(command))
        for word, answer in self._answers.items():
            if word in command:
                if isinstance(answer, Exception):
                    raise answer
                return answer
        return ""


def test_systemd_installs_reports_and_removes(tmp_path):
    programs = Programs(show="ActiveState=active\nSubState=running\nStatusText=30 frames/s\n")
    systemd = Systemd(folder=tmp_path / "user", run=programs)
    assert "journalctl --user" in systemd.install(COMMAND)
    path = tmp_path / "user" / "stylecam.service"
    assert "Type=notify" in path.read_text()
    assert programs.calls[0] == "systemctl --user daemon-reload"
    assert programs.calls[-1].startswith("systemctl --user restart")
    assert systemd.status() == (True, "active (running): 30 frames/s")
    systemd.remove()
    assert not path.exists()
    assert "systemctl --user disable --now stylecam.service" in programs.calls


def test_systemd_gets_every_word_as_it_was_meant():
    [line] = [line for line in unit(COMMAND).splitlines() if line.startswith("ExecStart=")]
    words = shlex.split(line.removeprefix("ExecStart="))
    assert [word.replace("%%", "%").replace("$$", "$") for word in words] == COMMAND


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is missing")
def test_systemd_itself_finds_nothing_wrong_with_the_unit(tmp_path):
    path = tmp_path / "stylecam.service"
    path.write_text(unit(["/bin/sh", "-c", "exit 0"]))
    done = subprocess.run(
        ["systemd-analyze", "--user", "--man=no", "verify", str(path)],
        capture_output=True, text=True, check=False, env={"XDG_RUNTIME_DIR": str(tmp_path)},
    )  # fmt: skip
    assert "stylecam.service" not in done.stderr


def test_without_a_running_systemd_the_unit_is_kept_and_the_command_is_told(tmp_path):
    programs = Programs(enable=StylecamError("systemctl: no bus"))
    with pytest.raises(StylecamError, match=r"is written, but not started: .*no bus") as caught:
        Systemd(folder=tmp_path, run=programs).install(COMMAND)
    assert "\n  systemctl --user enable --now stylecam.service" in str(caught.value)
    assert (tmp_path / "stylecam.service").is_file()


def test_launchd_installs_reports_and_removes(tmp_path):
    programs = Programs(print="\tstate = running\n")
    launchd = Launchd(home=tmp_path, run=programs)
    launchd.install(COMMAND)
    [path] = (tmp_path / "Library" / "LaunchAgents").iterdir()
    agent = plistlib.loads(path.read_bytes())
    assert agent["ProgramArguments"] == COMMAND
    assert agent["KeepAlive"] == {"SuccessfulExit": False}
    assert programs.calls[-1].startswith("launchctl bootstrap gui/")
    assert launchd.status() == (True, "running")
    launchd.remove()
    assert not path.exists()


def test_windows_installs_reports_and_removes():
    programs = Programs(**{"/Query": '"\\stylecam","N/A","Running"\n'})
    windows = WindowsTask(run=programs)
    windows.install(COMMAND)
    assert programs.calls[0].startswith("schtasks /Create /TN stylecam /XML ")
    assert windows.status() == (True, "Running")
    windows.remove()
    assert programs.calls[-1] == "schtasks /Delete /TN stylecam /F"
    text = task(COMMAND).partition("\n")[2]
    command = ElementTree.fromstring(text).find(".//{*}Command")
    assert command is not None and command.text == COMMAND[0]


@pytest.mark.parametrize("kind", [Systemd, Launchd, WindowsTask])
def test_what_is_not_installed_is_one_line(kind, tmp_path):
    programs = Programs(**{"/Query": StylecamError("no such task")})
    made = {Systemd: {"folder": tmp_path}, Launchd: {"home": tmp_path}, WindowsTask: {}}[kind]
    supervisor = kind(run=programs, **made)
    for call in (supervisor.status, supervisor.remove):
        with pytest.raises(UsageError, match="no service is installed"):
            call()


def test_a_program_that_fails_gives_its_reason():
    assert run_program(["echo", "done"]) == "done\n"
    with pytest.raises(StylecamError, match="no-such-program: not found"):
        run_program(["no-such-program"])
    with pytest.raises(StylecamError, match=r"ls /no/such/folder: .*No such file"):
        run_program(["ls", "/no/such/folder"])
