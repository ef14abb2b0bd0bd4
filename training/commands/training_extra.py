"""Checks that the training extra is installed and can be loaded."""

import sys
from importlib.util import find_spec

from models.errors import TrainingError, UsageError
from models.system.torch_install import INSTALL
from training.runtime.memory_budget import format_bytes, free_bytes

ADDRESSES = "about 4 GB"
"""What torch maps when it is imported (2.14, for the CPU and CUDA)."""

LEAST_ADDRESSES = 750_000_000
"""Bytes that torchvision and a loss network map after torch. With fewer, torchvision swallows that
its library cannot be mapped, and fails later with an error that names something else."""

LEAST_MEMORY = 10**9
"""Bytes that a process takes once torch and a loss network are loaded (0.95 GB measured). With
less, the system kills it without a word, or reads torch's files from the disk again and again."""


def require_training_extra(command: str) -> None:
    """Raise UsageError if torch is not installed, TrainingError if it cannot be loaded, or if
    less memory is free, or fewer addresses, than that takes."""
    if find_spec("torch") is None:
        raise UsageError(f"stylecam {command} needs the training extra: {INSTALL}")
    begins, free = "torch" not in sys.modules, free_bytes()
    if begins and free is not None and free < LEAST_MEMORY:
        raise TrainingError(
            f"torch and a loss network take about {format_bytes(LEAST_MEMORY)}, and "
            f"{format_bytes(free)} are left on this machine or in its memory limit (of a "
            "container, a cgroup): end other programs, or raise the limit"
        )
    try:
        import torch  # noqa: F401
    except (ImportError, OSError, MemoryError) as error:
        reason = (str(error).splitlines() or ["memory ran out"])[0]
        hint = ""
        if "failed to map" in reason or isinstance(error, MemoryError):
            hint = f"; it needs {ADDRESSES} of addresses: raise `ulimit -v`"
        raise TrainingError(f"torch cannot be loaded: {reason}{hint}") from None
    from training.optimise.memory import address_space_left

    left = address_space_left()
    if begins and left is not None and left < LEAST_ADDRESSES:
        raise TrainingError(
            f"torchvision and a loss network take {format_bytes(LEAST_ADDRESSES)} of addresses, "
            f"and {format_bytes(left)} are left beside torch: raise `ulimit -v`"
        )
