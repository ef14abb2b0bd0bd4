"""Checks of Python and of the packages: new enough, installed, and the right ones."""

import importlib.util
import platform
import re
import shutil
import sys
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path

from models.system.torch_install import CPU_ONLY, INSTALL, WITH_GPU, TorchBuild, installed_torch
from realtime.doctor.check_result import CheckResult, fail, ok, warn

OLDEST_PYTHON = (3, 11)
NVIDIA_DRIVER = Path("/proc/driver/nvidia")
OURS = ("realtime", "models", "training")
ROOT = Path(__file__).parents[2]
RUNTIMES = {
    "onnxruntime": "CPU",
    "onnxruntime-gpu": "CUDA",
    "onnxruntime-directml": "DirectML",
    "onnxruntime-openvino": "OpenVINO",
}
"""Distributions that all install the module onnxruntime: the last one wins."""


def check_python(version: tuple[int, ...] = sys.version_info[:3]) -> Iterator[CheckResult]:
    """Check that Python is new enough."""
    shown = ".".join(map(str, version))
    if version[:2] < OLDEST_PYTHON:
        oldest = ".".join(map(str, OLDEST_PYTHON))
        yield fail("Python", shown, f"install Python {oldest} or newer, and stylecam with it")
    else:
        yield ok("Python", f"{shown}, {platform.system()} {platform.machine()}")


def check_packages() -> Iterator[CheckResult]:
    """Check that all required packages are installed, and list their versions."""
    try:
        required = [line for line in metadata.requires("stylecam") or [] if "extra ==" not in line]
    except metadata.PackageNotFoundError:
        yield warn("stylecam", "running from a source folder, not installed", "pip install -e .")
        return
    found, missing = [f"stylecam {metadata.version('stylecam')}"], []
    for line in required:
        match = re.match(r"[A-Za-z0-9._-]+", line)
        assert match is not None, line
        name = match[0]
        try:
            found.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            missing.append(name)
    # Another build of ONNX Runtime or OpenCV does as well.
    missing = [name for name in missing if importlib.util.find_spec(module_of(name)) is None]
    if missing:
        yield fail("packages", f"missing: {', '.join(missing)}", "pip install --upgrade stylecam")
    else:
        yield ok("packages", ", ".join(found))


def module_of(distribution: str) -> str:
    """The module that a required distribution installs; the names may differ."""
    odd = {"opencv-python": "cv2", "pyyaml": "yaml"}
    return odd.get(distribution.lower(), distribution)


def check_ownership(root: Path = ROOT) -> Iterator[CheckResult]:
    """Check that realtime, models and training are ours: other packages use these names too."""
    foreign = []
    for name in OURS:
        spec = importlib.util.find_spec(name)
        origin = Path(spec.origin).parent if spec and spec.origin else None
        if origin is None or origin.parent.resolve() != root.resolve():
            foreign.append(f"{name} comes from {origin or 'nowhere'}")
    if foreign:
        yield fail(
            "modules",
            "; ".join(foreign),
            "install stylecam in an environment of its own: pipx install stylecam",
        )
    else:
        yield ok("modules", f"realtime, models, training are stylecam's, in {root}")


def check_name_clash(
    owners: Mapping[str, list[str]] | None = None,
) -> Iterator[CheckResult]:
    """Check that no other distribution has written into our modules (PyPI's `realtime` would)."""
    owners = owners if owners is not None else metadata.packages_distributions()
    others = {n: sorted(set(owners.get(n, [])) - {"stylecam"}) for n in OURS}
    clashes = [
        f"{', '.join(names)} also installs {module}" for module, names in others.items() if names
    ]
    if clashes:
        yield warn(
            "name clash",
            "; ".join(clashes),
            "pip uninstall it, then pip install --force-reinstall stylecam; or use pipx",
        )


def check_runtimes(installed: Mapping[str, str] | None = None) -> Iterator[CheckResult]:
    """Check that only one build of ONNX Runtime is installed: they overwrite each other."""
    there = installed if installed is not None else installed_runtimes()
    shown = ", ".join(f"{name} {version}" for name, version in there.items())
    if len(there) > 1:
        keep = next(name for name in there if name != "onnxruntime")
        yield warn(
            "ONNX Runtime",
            f"{shown} overwrite each other",
            f"pip uninstall -y {' '.join(there)}; pip install {keep}",
        )
    elif there:
        yield ok("ONNX Runtime", shown)


def check_torch(build: TorchBuild | None, *, gpu: bool) -> Iterator[CheckResult]:
    """Report which torch is there; it is optional, and large where it is not for the CPU only."""
    if build is None:
        yield ok("torch", f"not installed; optional, for training and painting: {INSTALL}")
    elif build.cuda is None:
        remark = f"; for the GPU here: {WITH_GPU} --force-reinstall" if gpu else ""
        yield ok("torch", f"{build.version}, for the CPU{remark}")
    else:
        remark = "" if gpu else f"; no NVIDIA GPU is here: {CPU_ONLY} would take 4.5 GB less"
        yield ok("torch", f"{build.version}, for CUDA {build.cuda}{remark}")


def nvidia_gpu_present() -> bool:
    """Whether NVIDIA's driver is loaded, or its tool is there (as in Windows and WSL)."""
    return NVIDIA_DRIVER.exists() or shutil.which("nvidia-smi") is not None


def check_installed_torch() -> Iterator[CheckResult]:
    """Report which torch this machine has."""
    yield from check_torch(installed_torch(), gpu=nvidia_gpu_present())


def installed_runtimes() -> dict[str, str]:
    found = {}
    for name in RUNTIMES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found
