"""How torch is installed, and which build is there; told without loading it."""

import re
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

CPU_ONLY = "pip install torch torchvision --index-url https://download.pytorch.org/whl/cpu"
WITH_GPU = "pip install 'stylecam[train]'"
INSTALL = f"{CPU_ONLY} && {WITH_GPU} (about 1 GB); with an NVIDIA GPU, only the second (5.5 GB)"
"""The commands in one line, the smaller one first."""


@dataclass(frozen=True)
class TorchBuild:
    """A build of torch: its version, and the version of CUDA that it is for (None: the CPU)."""

    version: str
    cuda: str | None


def installed_torch() -> TorchBuild | None:
    """The build that is installed; None if there is none."""
    spec = find_spec("torch")
    if spec is None or spec.origin is None:
        return None
    try:
        text = (Path(spec.origin).parent / "version.py").read_text()
    except OSError:
        return TorchBuild("of unknown version", None)
    version = re.search(r"^__version__ *= *'([^']+)'", text, re.M)
    cuda = re.search(r"^cuda\b.*= *'([^']+)'", text, re.M)
    return TorchBuild(version[1] if version else "of unknown version", cuda and cuda[1])
