"""The inputs of one training step, made from a batch of crops of photographs."""

import numpy as np
import torch
from torch import Tensor

from models.grain import grain_field
from training.config.recipe import Recipe
from training.data.tensor_exposure import expose, measure
from training.losses.objective import part_size
from training.losses.stability import MAX_SHIFT, common_part, disturbed, offsets

TrainingBatch = dict[str, Tensor]
"""Name to tensor, each with one row per crop, so that a step can work through it in parts.

`source` (B, 3, H, W) float 0..1: what is to be painted. `window` (B, 3, H', W'): the same with the
generator's margin around it, and normalised in exposure if the recipe says so. `corner` (B, 2):
the part that the objective sees at full size. Where faces are known, `faces` (B, 1, H, W): 1 on a
face of the source, 0 elsewhere. In steps that judge stability also `again`, another
window that overlaps the first, disturbed, and `offsets` (B, 4), where the two lie."""

NOISE = 0.012
"""Largest deviation of the noise that is added to the photographs, values 0..1."""


def window_size(recipe: Recipe) -> tuple[int, int]:
    """Height and width of a window: a crop, its margin, and filled up to the generator's stride."""
    margin, stride = recipe.architecture.margin, recipe.architecture.stride
    height, width = (-(-(side + 2 * margin) // stride) * stride for side in recipe.image_size)
    return height, width


def crop_size(recipe: Recipe) -> tuple[int, int]:
    """Height and width of the crops to cut from photographs: room for two windows."""
    height, width = window_size(recipe)
    return height + MAX_SHIFT, width + MAX_SHIFT


def make_batch(recipe: Recipe, crops: Tensor, step: int) -> TrainingBatch:
    """The batch of a step from crops (B, 3, *crop_size) float 0..1, or (B, 4, *crop_size), the last
    of them 1 on a face.

    A pure function of its arguments, so a resumed training continues like an unbroken one."""
    random = torch.Generator().manual_seed(recipe.seed * 1_000_003 + step)
    height, width = window_size(recipe)
    at = offsets(random)
    crops, faces = crops[:, :3], crops[:, 3:]

    def window(top: int, left: int) -> Tensor:
        return crops[..., top : top + height, left : left + width]

    exposures = measure(crops) if recipe.exposure else None
    texture = _grain(recipe, crops, step) if recipe.grain else None

    def as_seen(part: Tensor, top: int, left: int) -> Tensor:
        """A window as a generator sees it: normalised in exposure, with grain."""
        seen = part if exposures is None else expose(part, exposures)
        if texture is None:
            return seen
        return (seen + texture[..., top : top + height, left : left + width]).clamp(0, 1)

    first = window(*at[:2])
    level = float(torch.rand((), generator=random)) * NOISE
    first = (first + torch.randn(first.shape, generator=random) * level).clamp(0, 1)
    margin = recipe.architecture.margin
    rows, columns = recipe.image_size
    batch = {
        "source": first[..., margin : margin + rows, margin : margin + columns],
        "window": as_seen(first, *at[:2]),
        "corner": _corner(recipe, random).expand(len(crops), 2),
    }
    if faces.shape[1]:
        top, left = at[0] + margin, at[1] + margin
        batch["faces"] = faces[..., top : top + rows, left : left + columns]
    if recipe.temporal_weight and step % recipe.stability_every == 0:
        second = disturbed(window(*at[2:]), random)
        batch["again"] = as_seen(second, *at[2:])
        batch["offsets"] = torch.tensor(at).expand(len(crops), 4)
    return batch


def _grain(recipe: Recipe, crops: Tensor, step: int) -> Tensor:
    """Grain (B, 1, H, W) for crops, 0 on average: both windows see the same, as on a still wall."""
    random = np.random.default_rng([recipe.seed, step])
    fields = [grain_field(crops.shape[-2], crops.shape[-1], random) for _ in crops]
    return torch.from_numpy(np.stack(fields))[:, None] * recipe.grain


def _corner(recipe: Recipe, random: torch.Generator) -> Tensor:
    """Top and left (2,) of a part, anywhere in the crop."""
    part = part_size(recipe, *recipe.image_size)
    free = [side - inner + 1 for side, inner in zip(recipe.image_size, part, strict=True)]
    return torch.tensor([int(torch.randint(n, (), generator=random)) for n in free])


def overlap_of(
    painted: Tensor, again: Tensor, batch: TrainingBatch
) -> tuple[Tensor, Tensor] | None:
    """The common part of the two paintings of a batch; None if it has only one."""
    if "offsets" not in batch:
        return None
    top, left, top_again, left_again = batch["offsets"][0].tolist()
    first, second = common_part(painted, again, (top, left, top_again, left_again))
    return first, second
