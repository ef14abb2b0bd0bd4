"""How many crops fit in memory at once: measured on one, never guessed."""

import logging
from collections.abc import Callable

import torch
from torch import Tensor

from training.memory import Ceiling, readable

LOGGER = logging.getLogger(__name__)
BEST_BATCH = 8
"""More crops a step give a CPU no more images a second, and fewer steps for the same images."""
PEAK = 1.8
"""Peak of a step over what autograd keeps for it: gradients and workspaces come on top. 1.3 to
1.6 was measured over crops of 128 and 256, all model sizes, full and slim loss networks."""


def bytes_kept(forward: Callable[[], object]) -> int:
    """What autograd keeps of one forward pass for the way back, each storage counted once."""
    storages: dict[int, int] = {}

    def note(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        storages[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        result = forward()
    del result  # until here, or addresses would be used twice
    return sum(storages.values())


def fitting_batch(bytes_per_crop: int, ceiling: Ceiling) -> int:
    """BEST_BATCH crops, or the largest power of two that memory has room for; at least 1."""
    room, batch = ceiling.room(), BEST_BATCH
    if room is None:
        return batch
    while batch > 1 and batch * bytes_per_crop * PEAK > room:
        batch //= 2
    if batch < BEST_BATCH:
        LOGGER.warning(
            "batches of %d: a crop takes about %s, %s are left",
            batch,
            readable(int(bytes_per_crop * PEAK)),
            readable(room),
        )
    return batch
