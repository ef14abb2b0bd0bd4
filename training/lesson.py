"""What one step of a training works on: a batch of crops, and what is made of them."""

import torch
from torch import Tensor

from training.calm import noisy_walls
from training.recipe import Recipe
from training.temporal import disturb, random_motion, warp

Lesson = dict[str, Tensor]
"""By name, each with as many rows as there are crops, so that it can be worked through in parts:
`source` (B, 3, H, W) float 0..1; where the recipe weighs it, `moved`, the crops moved and
disturbed, with the `motion` (B, 2, 3); and noisy `walls` (B, 3, h, w)."""


def lesson_of(recipe: Recipe, source: Tensor, step: int) -> Lesson:
    """A pure function of recipe, crops and step: a resumed training goes on as an unbroken one."""
    lesson = {"source": source}
    random = torch.Generator().manual_seed(recipe.seed * 1_000_003 + step)
    if recipe.temporal_weight:
        motion = random_motion(len(source), (source.shape[-2], source.shape[-1]), random)
        lesson |= {"moved": disturb(warp(source, motion)[0], random), "motion": motion}
    if recipe.calm_weight:
        lesson["walls"] = noisy_walls(source, random)
    return lesson
