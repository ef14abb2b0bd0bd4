"""Checks that the training extra is installed and can be loaded."""

from importlib.util import find_spec

from models.errors import TrainingError, UsageError
from models.system.torch_install import INSTALL

ADDRESSES = "about 4 GB"
"""What torch maps when it is imported (2.14, for the CPU and CUDA)."""


def require_training_extra(command: str) -> None:
    """Raise UsageError if torch is not installed, TrainingError if it cannot be loaded."""
    if find_spec("torch") is None:
        raise UsageError(f"stylecam {command} needs the training extra: {INSTALL}")
    try:
        import torch  # noqa: F401
    except (ImportError, OSError, MemoryError) as error:
        reason = (str(error).splitlines() or ["memory ran out"])[0]
        hint = ""
        if "failed to map" in reason or isinstance(error, MemoryError):
            hint = f"; it needs {ADDRESSES} of addresses: raise `ulimit -v`"
        raise TrainingError(f"torch cannot be loaded: {reason}{hint}") from None
