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
