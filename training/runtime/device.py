"""The device that trains: the CPU, or an NVIDIA GPU through CUDA."""

import logging
from typing import Literal

import torch
import torch.nn.functional as F

from models.errors import UsageError
from models.system.free_memory import release_free_memory
from training.runtime.memory_budget import UNLIMITED, MemoryBudget

LOGGER = logging.getLogger(__name__)
DeviceName = Literal["auto", "cpu", "cuda"]
CPU = torch.device("cpu")


def pick_device(name: DeviceName) -> torch.device:
    """The device that is called `name`; "auto" is the GPU if torch finds one that works, else the
    CPU. Logs which one. Raises UsageError for "cuda" where torch finds no GPU."""
    device, there = CPU, torch.cuda.is_available()
    if name == "cuda" and not there:
        raise UsageError(
            "--device cuda: torch finds no CUDA device (nvidia-smi should list one, and torch must "
            "be a CUDA build); leave --device out to use the CPU"
        )
    gpu = torch.device("cuda")
    if name == "cuda" or (name == "auto" and there and _works(gpu)):
        device = gpu
    LOGGER.info("device: %s", _described(device))
    return device


def _works(device: torch.device) -> bool:
    """Whether the device can compute: torch also finds GPUs that it has no kernels for, and full
    ones. Logs one warning if it cannot."""
    try:
        picture, kernel = torch.ones(1, 3, 8, 8, device=device), torch.ones(4, 3, 3, 3)
        return float(F.conv2d(picture, kernel.to(device)).sum()) > 0
    except (RuntimeError, AssertionError) as error:  # the latter: torch is a CPU build
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        LOGGER.warning("there is a GPU, but it does not work (%s): using the CPU", reason)
        return False


def _described(device: torch.device) -> str:
    if device.type == "cuda":
        return f"CUDA ({torch.cuda.get_device_name(device)})"
    threads = torch.get_num_threads()
    return f"CPU, {threads} thread{'s' if threads != 1 else ''}"


def memory_available_on(
    device: torch.device, memory_budget: MemoryBudget = UNLIMITED
) -> int | None:
    """Bytes that tensors may still take: free on the GPU, or within the ceiling; None: not known.

    The ceiling limits the machine's memory, not that of a GPU."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    return memory_budget.available()


def release_free_memory_on(device: torch.device) -> None:
    """Return memory that is freed but still held to the system, and to the GPU."""
    release_free_memory()
    if device.type == "cuda":
        torch.cuda.empty_cache()
