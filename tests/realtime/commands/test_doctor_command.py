"""`stylecam doctor` as a user calls it."""

import json

import pytest
from click.testing import CliRunner

from realtime.commands.doctor import doctor
from realtime.doctor import report
from realtime.doctor.check_result import fail, ok, warn


@pytest.mark.parametrize(
    ("finding", "code"), [(ok("x", "y"), 0), (warn("x", "y", "z"), 0), (fail("x", "y", "z"), 1)]
)
def test_the_exit_code_says_whether_the_main_job_works(
    finding, code: int, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(report, "run_checks", lambda: [finding])
    done = CliRunner().invoke(doctor)
    assert done.exit_code == code
    assert done.output.split()[:3] == [finding.status, "x", "y"]
    data = json.loads(CliRunner().invoke(doctor, ["--json"]).output)
    assert data["works"] == (code == 0)


def test_on_this_machine_it_reports_on_everything():
    done = CliRunner().invoke(doctor, ["--json"], catch_exceptions=False)
    subjects = {entry["subject"] for entry in json.loads(done.output)["findings"]}
    assert {"Python", "processor", "devices", "OpenCV", "cameras", "recording"} <= subjects


@pytest.fixture
def mendable(monkeypatch, tmp_path):
    """A machine on which a file is missing that a command makes."""
    there = tmp_path / "there"
    command = f"touch {there}"

    def findings():
        if there.exists():
            return [ok("module", "loaded")]
        return [
            warn("module", "not loaded", command, fix=command),
            warn("disk", "full", "make room"),
        ]

    monkeypatch.setattr(report, "run_checks", findings)
    return there


def test_what_a_command_mends_is_mended_after_a_yes(mendable):
    refused = CliRunner().invoke(doctor, ["--fix"], input="n\n")
    assert "nothing was changed" in refused.output
    assert not mendable.exists()
    done = CliRunner().invoke(doctor, ["--fix"], input="y\n")
    assert mendable.exists()
    assert f"module: done: touch {mendable}" in done.output
    assert "loaded" in done.stdout.splitlines()[-1]


def test_with_json_it_asks_nothing_and_needs_a_yes_beforehand(mendable):
    assert CliRunner().invoke(doctor, ["--fix", "--json"]).exit_code == 2
    assert CliRunner().invoke(doctor, ["--yes"]).exit_code == 2
    assert not mendable.exists()
    done = CliRunner().invoke(doctor, ["--fix", "--json", "--yes"])
    assert json.loads(done.stdout)["findings"][0]["status"] == "ok"


def test_a_command_that_fails_is_told(monkeypatch):
    monkeypatch.setattr(report, "run_checks", lambda: [warn("a", "b", "false", fix="false")])
    done = CliRunner().invoke(doctor, ["--fix", "--yes"])
    assert "a: failed: false" in done.stderr
