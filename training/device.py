"""The device that trains: the CPU, or an NVIDIA GPU through CUDA."""

from typing import Literal

import torch

from models.errors import UsageError
from models.memory import give_back
from training.memory import UNLIMITED, Ceiling

DeviceName = Literal["auto", "cpu", "cuda"]
CPU = torch.device("cpu")


def pick_device(name: DeviceName) -> torch.device:
    """The device that is called `name`; "auto" is the GPU if torch finds one, else the CPU.

    Raises UsageError for "cuda" where torch finds no GPU."""
    there = torch.cuda.is_available()
    if name == "cuda" and not there:
        raise UsageError(
            "--device cuda: torch finds no CUDA device (nvidia-smi should list one, and torch must "
            "be a CUDA build); leave --device out to use the CPU"
        )
    return torch.device("cuda" if there and name != "cpu" else "cpu")


def described(device: torch.device) -> str:
    if device.type == "cuda":
        return f"CUDA ({torch.cuda.get_device_name(device)})"
    threads = torch.get_num_threads()
    return f"CPU, {threads} thread{'s' if threads != 1 else ''}"


def room_on(device: torch.device, ceiling: Ceiling = UNLIMITED) -> int | None:
    """Bytes that tensors may still take: free on the GPU, or within the ceiling; None: not known.

    The ceiling limits the machine's memory, not that of a GPU."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    return ceiling.room()


def give_back_on(device: torch.device) -> None:
    """Return memory that is freed but still held to the system, and to the GPU."""
    give_back()
    if device.type == "cuda":
        torch.cuda.empty_cache()
