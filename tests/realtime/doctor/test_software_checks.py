"""Python and packages."""

from functools import partial
from importlib.machinery import PathFinder
from pathlib import Path

import pytest

from models.system import torch_install
from models.system.torch_install import TorchBuild, installed_torch
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


CPU_BUILD, CUDA_BUILD = TorchBuild("2.14.1+cpu", None), TorchBuild("2.14.1", "13.0")


@pytest.mark.parametrize(
    ("build", "gpu", "said"),
    [
        (None, False, "optional, for training and painting: pip install torch torchvision --index"),
        (CPU_BUILD, False, "2.14.1+cpu, for the CPU"),
        (CPU_BUILD, True, "for the GPU here: pip install 'stylecam[train]' --force-reinstall"),
        (CUDA_BUILD, True, "2.14.1, for CUDA 13.0"),
        (CUDA_BUILD, False, "whl/cpu would take 4.5 GB less"),
    ],
)
def test_the_build_of_torch_is_told(build, gpu, said):
    (finding,) = software.check_torch(build, gpu=gpu)
    assert finding.status == "ok"
    assert said in finding.detail


@pytest.mark.parametrize("cuda", [None, "13.0"])
def test_the_build_is_read_from_its_files(tmp_path, monkeypatch, cuda):
    (tmp_path / "torch").mkdir()
    (tmp_path / "torch" / "__init__.py").write_text("raise AssertionError('it is loaded')")
    (tmp_path / "torch" / "version.py").write_text(
        f"__version__ = '2.14.1'\ncuda: Optional[str] = {cuda!r}\nhip: Optional[str] = None\n"
    )
    monkeypatch.setattr(
        torch_install, "find_spec", partial(PathFinder.find_spec, path=[str(tmp_path)])
    )
    assert installed_torch() == TorchBuild("2.14.1", cuda)
