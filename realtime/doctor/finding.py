"""What one check found."""

from dataclasses import dataclass
from typing import Literal

Status = Literal["ok", "warn", "fail"]


@dataclass(frozen=True)
class Finding:
    """One line of the report. "fail" stops the main job, "warn" only a part; both say a remedy."""

    subject: str
    status: Status
    detail: str
    remedy: str = ""


def ok(subject: str, detail: str) -> Finding:
    return Finding(subject, "ok", detail)


def warn(subject: str, detail: str, remedy: str) -> Finding:
    return Finding(subject, "warn", detail, remedy)


def fail(subject: str, detail: str, remedy: str) -> Finding:
    return Finding(subject, "fail", detail, remedy)
