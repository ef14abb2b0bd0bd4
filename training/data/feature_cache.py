"""A fixed pool of crops whose content features are computed once and kept in memory."""

from collections.abc import Callable, Generator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from models.errors import TrainingError
from training.config.recipe import Recipe
from training.data.photographs import Photographs
from training.runtime.memory_budget import MemoryBudget, format_bytes

FIRST_CROP = 2**32
"""Crop i of a pool is cut like the crop of step FIRST_CROP + i, with the seed of the recipe: pools
of different seeds share no crops."""


@dataclass(frozen=True)
class CachedBatch:
    """Crops (B, 3, H, W) float 0..1, and their content features by layer if already known."""

    pictures: Tensor
    content: dict[str, Tensor] | None = None


class FeatureCache:
    """`recipe.pool` crops, each cut and varied once; every pass over them has a new random order.

    A batch is a pure function of seed and step. Features are kept in bfloat16: it has the range
    of float32 (VGG's features go into the thousands), and its error is far below any loss.
    `content` computes the features of crops (B, 3, H, W).
    """

    def __init__(
        self,
        recipe: Recipe,
        photographs: Photographs,
        content: Callable[[Tensor], dict[str, Tensor]],
        memory_budget: MemoryBudget,
    ) -> None:
        """Raises TrainingError if the pool does not fit in memory."""
        self.recipe, self.photographs, self.content = recipe, photographs, content
        self._kept: dict[int, CachedBatch] = {}
        first = self._crop(0)
        tensors = [first.pictures, *(first.content or {}).values()]
        each, available = (
            sum(t.untyped_storage().nbytes() for t in tensors),
            memory_budget.available(),
        )
        if available is not None and each * recipe.pool > available:
            raise TrainingError(
                f"--pool {recipe.pool}: its features take {format_bytes(each * recipe.pool)}, "
                f"{format_bytes(available)} are free; at most {available // each} crops fit"
            )

    def batches(self, start: int) -> Generator[CachedBatch, None, None]:
        """Endless batches from step `start` on."""
        while True:
            yield self.batch(start)
            start += 1

    def batch(self, step: int) -> CachedBatch:
        crops = [self._crop(i) for i in self._indices(step)]
        levels = torch.cat([crop.pictures for crop in crops])
        content = {
            layer: torch.cat([(crop.content or {})[layer] for crop in crops]).float()
            for layer in self.recipe.content_layers
        }
        return CachedBatch(levels.float().div_(255), content)

    def _indices(self, step: int) -> list[int]:
        size = self.recipe.batch_size
        orders: dict[int, list[int]] = {}
        chosen = []
        for place in range(step * size, (step + 1) * size):
            epoch, index = divmod(place, self.recipe.pool)
            if epoch not in orders:
                random = np.random.default_rng([self.recipe.seed, FIRST_CROP, epoch])
                orders[epoch] = random.permutation(self.recipe.pool).tolist()
            chosen.append(orders[epoch][index])
        return chosen

    def _crop(self, i: int) -> CachedBatch:
        """Crop `i` as levels 0..255 (uint8), and its features (bfloat16)."""
        if i not in self._kept:
            recipe = self.recipe
            picture = self.photographs.batch(
                seed=recipe.seed, step=FIRST_CROP + i, batch_size=1, size=recipe.image_size
            )
            # One crop at a time: within a batch the last bits may depend on the other crops, and
            # a resumed training computes them in another order.
            content = {k: v.to("cpu", torch.bfloat16) for k, v in self.content(picture).items()}
            self._kept[i] = CachedBatch((picture * 255).round().byte(), content)
        return self._kept[i]
