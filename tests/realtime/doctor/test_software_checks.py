"""Python and packages."""

from pathlib import Path

import pytest

from realtime.doctor import software


def statuses(findings) -> list[str]:
    return [finding.status for finding in findings]


@pytest.mark.parametrize(("version", "status"), [((3, 10, 4), "fail"), ((3, 11, 0), "ok")])
def test_an_old_python_is_told(version: tuple[int, ...], status: str):
    assert statuses(software.check_python(version)) == [status]


def test_our_modules_are_ours_here():
    assert statuses(software.check_ownership()) == ["ok"]


def test_modules_from_elsewhere_are_named_with_a_remedy(tmp_path: Path):
    (finding,) = software.check_ownership(tmp_path)
    assert finding.status == "fail"
    assert "realtime comes from" in finding.detail
    assert "pipx" in finding.remedy


def test_a_package_that_writes_into_our_modules_is_named():
    owners = {"realtime": ["stylecam", "realtime"], "models": ["stylecam"]}
    (finding,) = software.check_name_clash(owners)
    assert finding.status == "warn"
    assert "realtime also installs realtime" in finding.detail
    assert list(software.check_name_clash({"realtime": ["stylecam"]})) == []


def test_two_builds_of_onnx_runtime_are_told_apart():
    both = {"onnxruntime": "1.20", "onnxruntime-gpu": "1.20"}
    (finding,) = software.check_runtimes(both)
    assert finding.status == "warn"
    assert finding.remedy == (
        "pip uninstall -y onnxruntime onnxruntime-gpu; pip install onnxruntime-gpu"
    )
    assert statuses(software.check_runtimes({"onnxruntime": "1.20"})) == ["ok"]
    assert statuses(software.check_runtimes()) == ["ok"]


def test_missing_packages_are_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(
        software.metadata,
        "requires",
        lambda name: ["numpy>=1", "nosuchthing>=2", 'x; extra == "y"'],
    )
    versions = {"stylecam": "1.0", "numpy": "2.0"}

    def version(name: str) -> str:
        if name in versions:
            return versions[name]
        raise software.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(software.metadata, "version", version)
    (finding,) = software.check_packages()
    assert (finding.status, finding.detail) == ("fail", "missing: nosuchthing")
    versions["nosuchthing"] = "2.1"
    (finding,) = software.check_packages()
    assert finding.detail == "stylecam 1.0, numpy 2.0, nosuchthing 2.1"
