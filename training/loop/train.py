"""The training loop, readable from top to bottom. Knows no progress bar and no command line."""

import logging
import time
from collections import abc
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from models.errors import TrainingError
from models.generator.network import Generator
from training.config.recipe import Recipe
from training.data.batch import crop_size, make_batch
from training.data.photographs import Photographs
from training.data.tensors import Picture, to_tensor
from training.loop.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from training.loop.early_stopping import plateaued
from training.loop.trainer import Trainer
from training.losses.objective import TrainingObjective, objective_for
from training.losses.pruned_vgg import prune_network
from training.losses.teacher import TeacherObjective
from training.losses.vgg import LossNetwork
from training.losses.vgg_weights import load_loss_network
from training.reporting.loss_log import LossLog, make_folder
from training.reporting.preview import Preview, paint_preview
from training.reporting.progress import TrainingProgress
from training.reporting.run_plots import plot_run
from training.runtime.batch_fit import batch_that_fits, check_room, saved_tensor_bytes
from training.runtime.device import CPU, memory_available_on, release_free_memory_on
from training.runtime.memory_budget import UNLIMITED, MemoryBudget
from training.runtime.precision import warn_of_emulation
from training.runtime.starved_threads import threads_for_training

LOGGER = logging.getLogger(__name__)
PRUNING_PICTURES = 40
PRUNING_CROP = 160
CHECKPOINT = "checkpoint.pt"
Batches = abc.Generator[Tensor, None, None]
"""Endless batches of crops (photographs.py)."""
NetworkFor = Callable[[Recipe, Photographs], LossNetwork]
"""Like `prepare_network`."""


def prepare_network(recipe: Recipe, photographs: Photographs) -> LossNetwork:
    """The loss network of the recipe, slim if the recipe says so, channels last in memory."""
    network = load_loss_network(recipe.loss_network, recipe.pooling)
    if recipe.slim:
        crops = photographs.batch(
            seed=recipe.seed, step=2**31, batch_size=PRUNING_PICTURES, size=(PRUNING_CROP,) * 2
        )
        deepest = max(recipe.content_layers + recipe.style_layers)
        with torch.no_grad():
            network, r2 = prune_network(network, crops, deepest=deepest, seed=recipe.seed)
        LOGGER.info("slim loss network: R² %s", {k: round(v, 3) for k, v in r2.items()})
    return network.to(memory_format=torch.channels_last)


def train(
    recipe: Recipe,
    styles: list[Picture],
    photographs: Photographs,
    folder: Path,
    *,
    style_weights: list[float] | None = None,
    start: dict[str, Tensor] | None = None,
    teacher: Generator | None = None,
    network_for: NetworkFor | None = None,
    fit_batch: bool = False,
    memory_budget: MemoryBudget = UNLIMITED,
    device: torch.device = CPU,
    on_progress: Callable[[TrainingProgress], None] = lambda _: None,
    on_preview: Callable[[int, Preview], None] = lambda *_: None,
    stopped: Callable[[], bool] = lambda: False,
) -> Checkpoint:
    """Train to the end of the recipe; a run already in `folder` continues from its checkpoint.

    styles: (H, W, 3) uint8 RGB each, already at the recipe's style scale. `start`: the
    weights to fine-tune from. `teacher`: whose paintings are learned, if the recipe names one.
    `network_for`: gives the loss network, instead of
    `prepare_network`. `fit_batch`: replaces the recipe's batch size by that of the run in
    `folder`, or by what fits in memory. Writes losses (CSV, PNG), previews and checkpoints into
    `folder`; warns of previews with flaws. Once `stopped` is true, it saves a checkpoint after the
    step and returns that, or the last good one. Raises TrainingError if the training diverges,
    memory runs out or the disk is full; the last checkpoint remains.
    """
    make_folder(folder)
    run, new_batches = prepare(
        recipe,
        styles,
        photographs,
        folder,
        style_weights,
        start,
        teacher,
        fit_batch,
        memory_budget,
        device,
        network_for,
    )
    if 0 < run.step < run.end:
        LOGGER.info("%s: goes on at step %d of %d", folder / CHECKPOINT, run.step, run.end)
    recipe = run.recipe
    began, taken = time.monotonic(), 0
    threads = threads_for_training()
    batches = new_batches(run.step)
    with LossLog(folder / "losses.csv", resumed_at=run.step) as record:
        while run.step < run.end:
            batch = next(batches)
            losses = run.take_step(batch)
            threads.step_done()
            if run.diverged:
                run.roll_back()
                record.rewind(run.step)
                batches.close()
                batches = new_batches(run.step)
                continue
            record.add(run.step, losses)
            if recipe.patience and plateaued(record.totals, recipe.patience // recipe.batch_size):
                run.start_tail()
            taken += 1
            pace = taken * recipe.batch_size / (time.monotonic() - began)
            on_progress(TrainingProgress(run.step, run.end, losses, pace))
            last = run.step == run.end
            if run.step % recipe.preview_every == 0 or last:
                on_preview(run.step, _save_preview(run, photographs, folder, styles))
            # Do not save while steps are being discarded: a checkpoint must be a good state.
            due = run.step % recipe.checkpoint_every == 0 or run.micro_batch_changed or stopped()
            if last:
                _refuse_unlearned(run)
            if (due and not run.skipped_steps) or last:
                save_checkpoint(run.checkpoint(), folder / CHECKPOINT)
                run.mark_good()
            if stopped() and not last:
                return run.good
    plot_run(folder)
    return run.checkpoint()


def _refuse_unlearned(run: Trainer) -> None:
    if run.skipped_steps == run.step:
        raise TrainingError(
            "the losses were finite in no step, so nothing was learned; try other weights"
        )


def _save_preview(
    run: Trainer, photographs: Photographs, folder: Path, styles: list[Picture]
) -> Preview:
    """Write a preview of the averaged weights, and log a warning if its paintings have flaws."""
    preview = paint_preview(run.averaged_generator(), photographs, run.recipe.preparation)
    path = folder / f"preview_{run.step:06d}.png"
    preview.write(path)
    if description := preview.find_defects(styles).description:
        LOGGER.warning("%s: %s; the same command with --repair may mend it", path, description)
    return preview


def prepare(
    recipe: Recipe,
    style_pictures: list[Picture],
    photographs: Photographs,
    folder: Path,
    style_weights: list[float] | None,
    start: dict[str, Tensor] | None,
    teacher: Generator | None,
    fit_batch: bool,
    memory_budget: MemoryBudget,
    device: torch.device,
    network_for: NetworkFor | None,
) -> tuple[Trainer, Callable[[int], Batches]]:
    """The run, resumed from `folder` if it has a checkpoint, and a function from step to batches.

    The function's batches are those of its step and all later ones."""
    warn_of_emulation(recipe.precision, device)
    network = (network_for or prepare_network)(recipe, photographs).to(device)
    memory_budget.enforce("the loss network")
    objective: TrainingObjective
    if teacher is not None:
        objective = TeacherObjective(recipe, network, teacher)
    else:
        pictures = [to_tensor(p[None]) for p in style_pictures]
        weights = style_weights or [1.0] * len(pictures)
        objective = objective_for(recipe, network, pictures, weights)
    stored = load_checkpoint(folder / CHECKPOINT) if (folder / CHECKPOINT).is_file() else None
    if stored is None:
        recipe = _with_room(recipe, objective, memory_budget, fit_batch=fit_batch)
    elif fit_batch:
        recipe = recipe.model_copy(update={"batch_size": stored.recipe.batch_size})
    run = Trainer(recipe, objective, start, memory_budget)
    if stored:
        run.resume(stored)
    return run, _source_of_batches(recipe, photographs)


def _with_room(
    recipe: Recipe, objective: TrainingObjective, memory_budget: MemoryBudget, *, fit_batch: bool
) -> Recipe:
    """Measures one crop and says what a step will take; `fit_batch`: with a batch that fits.

    Raises TrainingError if there is no room for a single crop.
    """
    kept = _bytes_per_crop(objective)
    available = memory_available_on(objective.device, memory_budget)
    if fit_batch:
        recipe = recipe.model_copy(update={"batch_size": batch_that_fits(kept, available)})
    check_room(kept, recipe.batch_size, available)
    return recipe


def _bytes_per_crop(objective: TrainingObjective) -> int:
    """What autograd keeps of one crop of noise, in bytes."""
    recipe = objective.recipe.model_copy(update={"batch_size": 1})
    trial = Trainer(recipe, objective, None)
    crop = torch.rand(1, 3, *crop_size(recipe), generator=torch.Generator().manual_seed(0))
    kept = saved_tensor_bytes(lambda: trial.losses(make_batch(recipe, crop, 0)))
    release_free_memory_on(objective.device)
    return kept


def _source_of_batches(recipe: Recipe, photographs: Photographs) -> Callable[[int], Batches]:
    """A function that gives the crops of all steps from a step on."""

    def crops(start: int) -> Batches:
        return photographs.batches(
            seed=recipe.seed, start=start, batch_size=recipe.batch_size, size=crop_size(recipe)
        )

    return crops
