"""The training loop, readable from top to bottom. Knows no progress bar and no command line."""

import contextlib
import logging
import time
from collections.abc import Callable, Generator
from pathlib import Path

import torch
from torch import Tensor

from models.errors import TrainingError
from training.config.recipe import Recipe
from training.data.batch import lesson_of
from training.data.feature_cache import Batch, ContentPool
from training.data.photographs import Photographs
from training.data.tensors import Picture, to_tensor
from training.loop.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from training.loop.early_stopping import plateaued
from training.loop.trainer import Run
from training.losses.objective import Objective, style_target
from training.losses.pruned_vgg import slim_down
from training.losses.vgg import LossNetwork, load_loss_network
from training.reporting.loss_log import LossRecord, make_folder
from training.reporting.preview import Preview, paint_preview
from training.reporting.progress import Progress
from training.reporting.run_plots import illustrate
from training.runtime.batch_fit import bytes_kept, fitting_batch
from training.runtime.device import CPU, give_back_on, room_on
from training.runtime.memory_budget import UNLIMITED, Ceiling
from training.runtime.precision import warn_of_emulation

LOGGER = logging.getLogger(__name__)
SLIM_PICTURES = 40
SLIM_CROP = 160
CHECKPOINT = "checkpoint.pt"


def prepare_network(recipe: Recipe, photographs: Photographs) -> LossNetwork:
    """The loss network of the recipe, slim if the recipe says so, channels last in memory."""
    network = load_loss_network(recipe.loss_network, recipe.pooling)
    if recipe.slim:
        crops = photographs.batch(
            seed=recipe.seed, step=2**31, batch_size=SLIM_PICTURES, size=(SLIM_CROP,) * 2
        )
        deepest = max(recipe.content_layers + recipe.style_layers)
        with torch.no_grad():
            network, r2 = slim_down(network, crops, deepest=deepest, seed=recipe.seed)
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
    fit_batch: bool = False,
    ceiling: Ceiling = UNLIMITED,
    device: torch.device = CPU,
    on_progress: Callable[[Progress], None] = lambda _: None,
    on_preview: Callable[[int, Preview], None] = lambda *_: None,
) -> Checkpoint:
    """Train to the end of the recipe; a run already in `folder` continues from its checkpoint.

    styles: (H, W, 3) uint8 RGB each, already at the recipe's style scale. `start`: the
    weights to fine-tune from. `fit_batch`: replaces the recipe's batch size by that of the run in
    `folder`, or by what fits in memory. Writes losses (CSV, PNG), previews and checkpoints into
    `folder`; warns of previews with flaws. Raises TrainingError if the training diverges, memory
    runs out or the disk is full; the last checkpoint remains.
    """
    make_folder(folder)
    run, new_batches = begin(
        recipe, styles, photographs, folder, style_weights, start, fit_batch, ceiling, device
    )
    recipe = run.recipe
    began, taken = time.monotonic(), 0
    batches = new_batches(run.step)
    with LossRecord(folder / "losses.csv", resumed_at=run.step) as record:
        while run.step < run.end:
            batch = next(batches)
            losses = run.take_step(batch.pictures, batch.content)
            if run.diverged:
                run.roll_back()
                record.rewind(run.step)
                batches.close()
                batches = new_batches(run.step)
                continue
            record.add(run.step, losses)
            if recipe.patience and plateaued(record.totals, recipe.patience // recipe.batch_size):
                run.wind_down()
            taken, spent = taken + 1, time.monotonic() - began
            pace = taken / spent
            left = (run.end - run.step) / pace
            on_progress(Progress(run.step, run.end, losses, pace * recipe.batch_size, left))
            last = run.step == run.end
            if run.step % recipe.preview_every == 0 or last:
                preview = paint_preview(run.averaged(), photographs)
                _keep(preview, folder / f"preview_{run.step:06d}.png", styles)
                on_preview(run.step, preview)
            # Do not save while steps are being discarded: a checkpoint must be a good state.
            due = run.step % recipe.checkpoint_every == 0 or run.departed
            if last:
                _refuse_unlearned(run)
            if (due and not run.thrown) or last:
                save_checkpoint(run.checkpoint(), folder / CHECKPOINT)
                run.remember()
    illustrate(folder)
    return run.checkpoint()


def _refuse_unlearned(run: Run) -> None:
    if run.thrown == run.step:
        raise TrainingError(
            "the losses were finite in no step, so nothing was learned; try other weights"
        )


def _keep(preview: Preview, path: Path, styles: list[Picture]) -> None:
    """Write a preview, and log a warning if its paintings have flaws."""
    preview.write(path)
    if complaint := preview.check_up(styles).complaint:
        LOGGER.warning("%s: %s; the same command with --repair may mend it", path, complaint)


def begin(
    recipe: Recipe,
    style_pictures: list[Picture],
    photographs: Photographs,
    folder: Path,
    style_weights: list[float] | None,
    start: dict[str, Tensor] | None,
    fit_batch: bool,
    ceiling: Ceiling,
    device: torch.device,
) -> tuple[Run, Callable[[int], Generator[Batch, None, None]]]:
    """The run, resumed from `folder` if it has a checkpoint, and a function from step to batches.

    The function's batches are those of its step and all later ones."""
    warn_of_emulation(recipe.precision, device)
    network = prepare_network(recipe, photographs).to(device)
    ceiling.enforce("the loss network")
    pictures = [to_tensor(p[None]) for p in style_pictures]
    weights = style_weights or [1.0] * len(pictures)
    target = style_target(network, pictures, weights, recipe.style_layers)
    objective = Objective(recipe, network, target)
    stored = load_checkpoint(folder / CHECKPOINT) if (folder / CHECKPOINT).is_file() else None
    if fit_batch:
        size = stored.recipe.batch_size if stored else _fitting(objective, ceiling)
        recipe = recipe.model_copy(update={"batch_size": size})
    run = Run(recipe, objective, start, ceiling)
    if stored:
        run.resume(stored)
    return run, _source_of_batches(recipe, photographs, objective, ceiling)


def _fitting(objective: Objective, ceiling: Ceiling) -> int:
    """The number of crops per step that fit in memory, measured with one crop of noise."""
    recipe = objective.recipe.model_copy(update={"batch_size": 1})
    trial = Run(recipe, objective, None)
    crop = torch.rand(1, 3, *recipe.image_size, generator=torch.Generator().manual_seed(0))
    kept = bytes_kept(lambda: trial.losses(lesson_of(recipe, crop, 0)))
    give_back_on(objective.device)
    return fitting_batch(kept, room_on(objective.device, ceiling))


def _source_of_batches(
    recipe: Recipe, photographs: Photographs, objective: Objective, ceiling: Ceiling
) -> Callable[[int], Generator[Batch, None, None]]:
    """A function that gives all batches from a step on: fresh crops, or crops of a fixed pool."""
    if recipe.pool:
        return ContentPool(recipe, photographs, objective.content_target, ceiling).batches

    def fresh(start: int) -> Generator[Batch, None, None]:
        crops = photographs.batches(
            seed=recipe.seed, start=start, batch_size=recipe.batch_size, size=recipe.image_size
        )
        with contextlib.closing(crops):
            yield from map(Batch, crops)

    return fresh
