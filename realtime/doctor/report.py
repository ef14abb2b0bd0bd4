"""All checks in order, and their report."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict

from rich.console import Console
from rich.text import Text

from realtime.doctor import hardware, software, styles
from realtime.doctor.check_result import CheckResult, fail

Check = Callable[[], Iterable[CheckResult]]

CHECKS: dict[str, Check] = {
    "Python": software.check_python,
    "packages": software.check_packages,
    "modules": software.check_ownership,
    "name clash": software.check_name_clash,
    "ONNX Runtime": software.check_runtimes,
    "torch": software.check_installed_torch,
    "processor": hardware.check_processor,
    "devices": hardware.check_providers,
    "OpenVINO": hardware.check_openvino,
    "OpenCV": hardware.check_display,
    "cameras": hardware.check_cameras,
    "virtual camera": hardware.check_virtual_camera,
    "disk": hardware.check_disk,
    "recording": hardware.check_encoder,
    "microphones": hardware.check_microphones,
    "styles": styles.check_styles,
    "test frame": styles.check_painting,
}

COLOURS = {"ok": "green", "warn": "yellow", "fail": "red"}


def run_checks(checks: Mapping[str, Check] = CHECKS) -> list[CheckResult]:
    """The findings of all checks. A check that raises becomes a finding; the others still run."""
    findings: list[CheckResult] = []
    for subject, check in checks.items():
        try:
            findings += check()
        except Exception as error:  # doctor itself must not crash: any error is reported
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            remedy = "pip install --force-reinstall stylecam; if it stays, report it as a bug"
            findings.append(fail(subject, f"cannot be checked: {reason}", remedy))
    return findings


def works(findings: Sequence[CheckResult]) -> bool:
    """Whether the main job can run."""
    return all(finding.status != "fail" for finding in findings)


def print_results(findings: Sequence[CheckResult], console: Console) -> None:
    """One line per finding, its remedy below it; not wrapped, so that commands can be copied."""
    width = max(len(finding.subject) for finding in findings)
    for finding in findings:
        line = Text(f"{finding.status:4} ", style=COLOURS[finding.status])
        line.append(f" {finding.subject:{width}}  {finding.detail}", style="default")
        console.print(line, soft_wrap=True)
        for remedy in finding.remedy.splitlines():
            console.print(Text(f"      {'':{width}}  → {remedy.strip()}"), soft_wrap=True)


def to_json(findings: Sequence[CheckResult]) -> str:
    """{"works": bool, "findings": [{"subject", "status", "detail", "remedy"}]}"""
    return json.dumps(
        {"works": works(findings), "findings": [asdict(f) for f in findings]},
        indent=1,
        ensure_ascii=False,
    )
