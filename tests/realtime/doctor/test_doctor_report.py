"""All checks together."""

import json
from io import StringIO

from rich.console import Console

from realtime.doctor.check_result import fail, ok, warn
from realtime.doctor.report import CHECKS, print_results, run_checks, to_json, works


def test_a_check_that_breaks_is_a_finding_and_the_others_still_run():
    def broken():
        raise RuntimeError("wires crossed\nand more")

    findings = run_checks({"broken": broken, "fine": lambda: [ok("fine", "yes")]})
    assert [f.status for f in findings] == ["fail", "ok"]
    assert findings[0].detail == "cannot be checked: wires crossed"


def test_only_a_failure_stops_the_main_job():
    assert works([ok("a", ""), warn("b", "", "do")])
    assert not works([ok("a", ""), fail("b", "", "do")])


def test_each_finding_is_one_line_and_commands_are_not_wrapped():
    page = StringIO()
    remedy = "run this:\n  " + "word " * 40
    print_results([ok("first", "[red]kept[/red]"), warn("second", "bad", remedy)],
                   Console(file=page, width=60))  # fmt: skip
    lines = page.getvalue().splitlines()
    assert len(lines) == 4
    assert lines[0].split() == ["ok", "first", "[red]kept[/red]"]
    assert lines[3].count("word") == 40


def test_json_says_all():
    data = json.loads(to_json([warn("a", "b", "c")]))
    assert data == {
        "works": True,
        "findings": [{"subject": "a", "status": "warn", "detail": "b", "remedy": "c", "fix": ""}],
    }


def test_every_check_here_ends_without_breaking():
    """Whatever this machine lacks, no check may fall over it."""
    checks = {name: check for name, check in CHECKS.items() if name != "test frame"}
    assert not [f for f in run_checks(checks) if f.detail.startswith("cannot be checked")]
