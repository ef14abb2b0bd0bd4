"""The inputs of one training step: a batch of crops, and further pictures made from them."""

import torch
from torch import Tensor

from training.config.recipe import Recipe
from training.losses.flat_regions import noisy_flat_regions
from training.losses.temporal import disturb, random_motion, warp

TrainingBatch = dict[str, Tensor]
"""Name to tensor, each with one row per crop, so that a step can work through it in parts.

`source` (B, 3, H, W) float 0..1. With a temporal weight also `moved`, the crops moved and
disturbed, and their `motion` (B, 2, 3). With a calm weight also noisy `walls` (B, 3, h, w)."""


def make_batch(recipe: Recipe, source: Tensor, step: int) -> TrainingBatch:
    """A pure function of its arguments, so a resumed training continues like an unbroken one."""
    batch = {"source": source}
    random = torch.Generator().manual_seed(recipe.seed * 1_000_003 + step)
    if recipe.temporal_weight:
        motion = random_motion(len(source), (source.shape[-2], source.shape[-1]), random)
        batch |= {"moved": disturb(warp(source, motion)[0], random), "motion": motion}
    if recipe.calm_weight:
        batch["walls"] = noisy_flat_regions(source, random)
    return batch
