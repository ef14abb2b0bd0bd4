"""The known remedy against spots, dead areas and collapse: a burst of high learning rate.

It starts from the last checkpoint of a run and replaces it only if the result has fewer flaws.
"""

import itertools
import logging
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from models.generator.network import Generator, load_generator
from training.config.recipe import Recipe
from training.data.batch import crop_size, make_batch
from training.data.photographs import Photographs
from training.data.tensors import Picture
from training.loop.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from training.loop.train import CHECKPOINT, NetworkFor, prepare
from training.loop.trainer import Trainer
from training.reporting.preview import Preview, paint_preview
from training.reporting.progress import TrainingProgress
from training.runtime.device import CPU
from training.runtime.memory_budget import UNLIMITED, MemoryBudget

LOGGER = logging.getLogger(__name__)
BURST_STEPS = 120
"""Length of the burst: half at the high rate, then a linear fall to a fiftieth of it."""
BURST_RATE = 4.0
"""The high rate, as a multiple of the recipe's."""
WARMUP_STEPS = 10
WORSE = 1.1
"""Largest accepted ratio of the loss after the repair to the loss before."""
JUDGED_STEPS = 8
"""Number of batches of one crop over which the loss is averaged."""
REPAIRED = "repaired.png"


def repair(
    recipe: Recipe,
    style_pictures: list[Picture],
    photographs: Photographs,
    folder: Path,
    *,
    style_weights: list[float] | None = None,
    teacher: Generator | None = None,
    network_for: NetworkFor | None = None,
    fit_batch: bool = False,
    memory_budget: MemoryBudget = UNLIMITED,
    device: torch.device = CPU,
    on_progress: Callable[[TrainingProgress], None] = lambda _: None,
) -> Checkpoint | None:
    """Repair the last checkpoint in `folder`; returns the new one, or None if nothing was changed.

    The arguments are those of `train`. The step is kept, so that an unfinished run continues
    where it was. Logs in one line what was found before and after. Raises UsageError if there
    is no checkpoint or it is of another recipe.
    """
    stored = load_checkpoint(folder / CHECKPOINT)
    before = _preview(stored, photographs).find_defects(style_pictures)
    if before.description is None:
        LOGGER.info("%s: nothing is wrong with its paintings; nothing was changed", folder)
        return None
    run, _ = prepare(
        recipe,
        style_pictures,
        photographs,
        folder,
        style_weights,
        None,
        teacher,
        fit_batch,
        memory_budget,
        device,
        network_for,
    )
    burst = _burst(run, photographs, on_progress)
    if burst is None:
        LOGGER.warning("%s: %s; the burst diverged; nothing was changed", folder, before)
        return None
    mended = replace(
        stored,
        weights=burst.weights,
        average=burst.average,
        optimizer=burst.optimizer,
        micro_batch=burst.micro_batch,
    )
    preview = _preview(mended, photographs)
    after = preview.find_defects(style_pictures)
    losses = [_loss(run, x.average, photographs) for x in (stored, mended)]
    found = f"before: {before}; after: {after}; loss {losses[0]:.3g}, then {losses[1]:.3g}"
    if after.severity >= before.severity or losses[1] > WORSE * losses[0]:
        LOGGER.warning("%s: not mended, nothing was changed; %s", folder, found)
        return None
    save_checkpoint(mended, folder / CHECKPOINT)
    preview.write(folder / REPAIRED)
    LOGGER.info("%s: %s; %s", folder, "better" if after.description else "mended", found)
    return mended


def _preview(checkpoint: Checkpoint, photographs: Photographs) -> Preview:
    generator = load_generator(checkpoint.architecture, checkpoint.average)
    return paint_preview(generator, photographs, checkpoint.recipe.preparation)


def _burst(
    run: Trainer, photographs: Photographs, on_progress: Callable[[TrainingProgress], None]
) -> Checkpoint | None:
    """A short separate training from the run's averaged weights; None if it diverged.

    Its optimiser and average are new: the old ones would preserve the flaws."""
    recipe = _burst_recipe(run.recipe)
    burst = Trainer(recipe, run.objective, run.average, run.memory_budget)
    burst.micro_batch = run.micro_batch
    crops = photographs.batches(
        seed=recipe.seed, start=run.step, batch_size=recipe.batch_size, size=crop_size(recipe)
    )
    began = time.monotonic()
    for batch in itertools.islice(crops, recipe.steps):
        losses = burst.take_step(batch)
        pace = burst.step * recipe.batch_size / (time.monotonic() - began)
        on_progress(TrainingProgress(burst.step, recipe.steps, losses, pace))
        if burst.diverged:
            break
    crops.close()
    return None if burst.skipped_steps else burst.checkpoint()


def _burst_recipe(recipe: Recipe) -> Recipe:
    """The recipe with another length, learning rate, schedule and seed; its losses stay."""
    return recipe.model_copy(
        update={
            "num_images": BURST_STEPS * recipe.batch_size,
            "lr": BURST_RATE * recipe.lr,
            "warmup_steps": WARMUP_STEPS,
            "schedule": "linear",
            "tail": 0.5,
            "seed": recipe.seed + 1,
        }
    )


@torch.no_grad()
def _loss(run: Trainer, weights: dict[str, Tensor], photographs: Photographs) -> float:
    """The mean total loss over fixed crops, the same at every call."""
    judge = Trainer(run.recipe, run.objective, weights)
    judge.generator.eval()
    size, total = crop_size(run.recipe), 0.0
    for step in range(JUDGED_STEPS):
        crop = photographs.batch(seed=run.recipe.seed, step=2**31 + step, batch_size=1, size=size)
        losses = judge.losses(make_batch(judge.recipe, crop, judge.step))
        total += float(torch.stack(list(losses.values())).sum())
    return total / JUDGED_STEPS
