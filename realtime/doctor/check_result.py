"""What one check found."""

from dataclasses import dataclass
from typing import Literal

Status = Literal["ok", "warn", "fail"]


@dataclass(frozen=True)
class CheckResult:
    """One line of the report, with a remedy unless "ok".

    "fail" means that the main job cannot run, "warn" that only a part of it cannot. `fix` is the
    command of a shell that mends it; "" if a person must.
    """

    subject: str
    status: Status
    detail: str
    remedy: str = ""
    fix: str = ""


def ok(subject: str, detail: str) -> CheckResult:
    return CheckResult(subject, "ok", detail)


def warn(subject: str, detail: str, remedy: str, *, fix: str = "") -> CheckResult:
    return CheckResult(subject, "warn", detail, remedy, fix)


def fail(subject: str, detail: str, remedy: str, *, fix: str = "") -> CheckResult:
    return CheckResult(subject, "fail", detail, remedy, fix)
