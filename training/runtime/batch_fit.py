"""How many crops fit in memory at once, from a measurement of one crop."""

import logging
from collections.abc import Callable

import torch
from torch import Tensor

from models.errors import TrainingError
from training.runtime.memory_budget import format_bytes

LOGGER = logging.getLogger(__name__)
BEST_BATCH = 4
"""On a CPU, more crops per step give no more images per second, but fewer steps per image."""
PEAK_RATIO = 1.8
"""Assumed ratio of a step's peak memory to what autograd keeps: gradients and workspaces add to
it. Measured: 1.3 to 1.6, with crops of 128 and 256, all model sizes, full and slim networks."""


def saved_tensor_bytes(forward: Callable[[], object]) -> int:
    """Bytes that autograd keeps of a forward pass for the backward pass, each storage once."""
    storages: dict[int, int] = {}

    def note(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        storages[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        result = forward()
    del result  # keep it alive until here, or a freed address could be used (and counted) again
    return sum(storages.values())


def check_room(bytes_per_crop: int, batch: int, available: int | None) -> None:
    """Say what a step of `batch` crops is going to take. Raises TrainingError without room for one.

    `available` are the bytes that are left; None: not known.
    """
    if available is None:
        return
    if bytes_per_crop > available:
        raise TrainingError(
            f"memory: one crop takes {format_bytes(bytes_per_crop)} or more, and "
            f"{format_bytes(available)} are left; give a larger --max-memory, or a smaller "
            "--image-size, --alpha or --model-size"
        )
    LOGGER.info(
        "memory: about %s for a step of %d crops, %s are left",
        format_bytes(int(batch * bytes_per_crop * PEAK_RATIO)),
        batch,
        format_bytes(available),
    )


def batch_that_fits(bytes_per_crop: int, available: int | None) -> int:
    """BEST_BATCH, or a smaller power of two that fits in `available` bytes; at least 1."""
    batch = BEST_BATCH
    if available is None:
        return batch
    while batch > 1 and batch * bytes_per_crop * PEAK_RATIO > available:
        batch //= 2
    if batch < BEST_BATCH:
        LOGGER.warning(
            "batches of %d: a crop takes about %s, %s are left",
            batch,
            format_bytes(int(bytes_per_crop * PEAK_RATIO)),
            format_bytes(available),
        )
    return batch
