"""`stylecam service`: the options are checked first, and the program is this one."""

import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from models.errors import StylecamError, UsageError
from realtime.commands import service as command
from realtime.service.systemd import Systemd


@pytest.fixture
def units(tmp_path, monkeypatch) -> Path:
    monkeypatch.setattr(
        command, "supervisor", lambda: Systemd(folder=tmp_path / "units", run=lambda _: "")
    )
    return tmp_path / "units"


def call(*words: str):
    done = CliRunner().invoke(command.service, words, standalone_mode=False)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done


def test_the_options_are_those_of_run(units):
    call("install", "--sink", "web", "--style", "the-scream", "--mirror")
    [line] = [
        line
        for line in (units / "stylecam.service").read_text().splitlines()
        if line.startswith("ExecStart=")
    ]
    assert line.endswith('"run" "--sink" "web" "--style" "the-scream" "--mirror"')
    assert str(Path(sys.executable).parent) in line
    assert call("status").exit_code == 1  # the stand-in for systemctl says nothing
    call("remove")
    assert not (units / "stylecam.service").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--strength", "7"], "--strength"),
        (["--no-such-option"], "No such option"),
        (["--config", "/no/such/file.yaml"], "no/such/file.yaml"),
        (["--config", "kiosk.yaml"], "give the whole path"),
    ],
)
def test_wrong_options_are_refused_before_anything_is_installed(units, options, message):
    with pytest.raises((StylecamError, UsageError, Exception), match=message):
        call("install", *options)
    assert not units.exists()
