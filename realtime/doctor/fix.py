"""Mends what checks found, one command after another, each only if the user agrees."""

import subprocess
from collections.abc import Callable, Iterable

from realtime.doctor.check_result import CheckResult


def run_shell(command: str) -> bool:
    """Run a command where the user can see it and answer it; whether it succeeded."""
    errors = 2  # standard output is for the report
    return subprocess.run(command, shell=True, check=False, stdout=errors).returncode == 0


def mend(
    findings: Iterable[CheckResult],
    *,
    agree: Callable[[CheckResult], bool],
    run: Callable[[str], bool] = run_shell,
) -> list[tuple[CheckResult, bool]]:
    """What was tried, and whether it succeeded.

    `agree` is asked for each finding that a command mends. What is well is left alone.
    """
    return [
        (finding, run(finding.fix))
        for finding in findings
        if finding.status != "ok" and finding.fix and agree(finding)
    ]
