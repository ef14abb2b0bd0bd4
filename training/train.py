"""The training loop, to be read from top to bottom. Knows no progress bar and no command line."""

import csv
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from models.architecture import MODEL_SIZES, Architecture
from models.errors import TrainingError
from models.generator import Generator
from training.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from training.images import Photographs, Picture, to_picture, to_tensor
from training.objective import Objective, style_target
from training.recipe import Recipe
from training.slim import slim_down
from training.temporal import disturb, random_motion, temporal_loss, warp
from training.vgg import LossNetwork, load_loss_network

LOGGER = logging.getLogger(__name__)
BETAS = (0.9, 0.99)
SLIM_PICTURES = 40
SLIM_CROP = 160
PATIENCE = 20
"""Steps in a row that may be thrown away for a value that is not finite."""
PREVIEWS = 6
PREVIEW_SIDE = 256
CHECKPOINT = "checkpoint.pt"


@dataclass(frozen=True)
class Progress:
    """Told after every step. Losses are weighted, by name; times in seconds."""

    step: int
    steps: int
    losses: dict[str, float]
    images_per_second: float
    seconds_left: float


def prepare_network(recipe: Recipe, photographs: Photographs) -> LossNetwork:
    """The loss network of the recipe, slim if it says so, channels last in memory."""
    network = load_loss_network(recipe.loss_network, recipe.pooling)
    if recipe.slim:
        crops = photographs.batch(
            seed=recipe.seed, step=2**31, batch_size=SLIM_PICTURES, crop=SLIM_CROP
        )
        deepest = max(recipe.content_layers + recipe.style_layers)
        with torch.no_grad():
            network, r2 = slim_down(network, crops, deepest=deepest, seed=recipe.seed)
        LOGGER.info("slim loss network: R² %s", {k: round(v, 3) for k, v in r2.items()})
    return network.to(memory_format=torch.channels_last)


def new_generator(recipe: Recipe) -> tuple[Architecture, Generator]:
    torch.manual_seed(recipe.seed)
    build: Callable[..., Architecture] = MODEL_SIZES[recipe.model_size]
    architecture = build(recipe.alpha, **recipe.options)
    return architecture, Generator(architecture)


def train(
    recipe: Recipe,
    style_pictures: list[Picture],
    photographs: Photographs,
    folder: Path,
    *,
    style_weights: list[float] | None = None,
    start: dict[str, Tensor] | None = None,
    on_progress: Callable[[Progress], None] = lambda _: None,
    seconds: float | None = None,
) -> Checkpoint:
    """Train to the end of the recipe, or for `seconds`; continue where `folder` left off.

    style_pictures: (H, W, 3) uint8 RGB each, already at the recipe's style size. `start`: the
    weights to fine-tune from. Writes losses.csv, previews and checkpoints into `folder`.
    Raises TrainingError if it diverges; the last checkpoint stays.
    """
    folder.mkdir(parents=True, exist_ok=True)
    network = prepare_network(recipe, photographs)
    pictures = [to_tensor(p[None]) for p in style_pictures]
    weights = style_weights or [1.0] * len(pictures)
    target = style_target(network, pictures, weights, recipe.style_layers)
    run = Run(recipe, Objective(recipe, network, target), start)
    if (folder / CHECKPOINT).is_file():
        run.resume(load_checkpoint(folder / CHECKPOINT))
    began, first = time.monotonic(), run.step
    batches = photographs.batches(
        seed=recipe.seed, start=run.step, batch_size=recipe.batch_size, crop=recipe.crop
    )
    with LossRecord(folder / "losses.csv", resumed_at=run.step) as record:
        while run.step < recipe.steps:
            losses = run.take_step(next(batches))
            record.add(run.step, losses)
            spent = time.monotonic() - began
            pace = (run.step - first) / spent
            left = (recipe.steps - run.step) / pace
            on_progress(Progress(run.step, recipe.steps, losses, pace * recipe.batch_size, left))
            out_of_time = seconds is not None and spent > seconds
            last = run.step == recipe.steps or out_of_time
            if run.step % recipe.preview_every == 0 or last:
                write_preview(run.averaged(), photographs, folder / f"preview_{run.step:06d}.png")
            if run.step % recipe.checkpoint_every == 0 or last:
                save_checkpoint(run.checkpoint(), folder / CHECKPOINT)
            if out_of_time:
                break
    return run.checkpoint()


class Run:
    """The state of one training: generator, averaged weights, optimiser, step."""

    def __init__(
        self, recipe: Recipe, objective: Objective, start: dict[str, Tensor] | None
    ) -> None:
        self.recipe, self.objective, self.step, self.thrown = recipe, objective, 0, 0
        self.architecture, self.generator = new_generator(recipe)
        if start is not None:
            load_weights(self.generator, start)
        self.average = {k: v.detach().clone() for k, v in self.generator.state_dict().items()}
        self.optimizer = torch.optim.Adam(self.generator.parameters(), lr=recipe.lr, betas=BETAS)

    def resume(self, checkpoint: Checkpoint) -> None:
        """Go on from a checkpoint. Raises TrainingError for one of another recipe."""
        if checkpoint.recipe != self.recipe:
            raise TrainingError(
                "the folder's checkpoint is of another recipe; "
                "give the same options, or another --output folder"
            )
        load_weights(self.generator, checkpoint.weights)
        self.average = {k: v.clone() for k, v in checkpoint.average.items()}
        self.optimizer.load_state_dict(checkpoint.optimizer)
        self.step = checkpoint.step

    def take_step(self, source: Tensor) -> dict[str, float]:
        """One batch (B, 3, H, W) float 0..1; the weighted losses by name."""
        self._set_mode()
        for group in self.optimizer.param_groups:
            group["lr"] = self.recipe.learning_rate(self.step)
        losses = self._losses(source)
        total = torch.stack(list(losses.values())).sum()
        self.optimizer.zero_grad(set_to_none=True)
        total.backward()
        norm = nn.utils.clip_grad_norm_(self.generator.parameters(), self.recipe.max_gradient)
        if torch.isfinite(norm) and torch.isfinite(total):
            self.optimizer.step()
            self._update_average()
            self.thrown = 0
        else:
            self._throw_away()
        self.step += 1
        return {name: float(loss.detach()) for name, loss in losses.items()}

    def _losses(self, source: Tensor) -> dict[str, Tensor]:
        if self.recipe.temporal_weight == 0:
            return self.objective(source, self.generator(source))
        random = torch.Generator().manual_seed(self.recipe.seed * 1_000_003 + self.step)
        motion = random_motion(len(source), source.shape[-1], random)
        moved = disturb(warp(source, motion)[0], random)
        painted, painted_moved = self.generator(torch.cat([source, moved])).chunk(2)
        losses = self.objective(source, painted)
        steadiness = temporal_loss(painted, painted_moved, motion)
        return losses | {"temporal": steadiness * self.recipe.temporal_weight}

    def _set_mode(self) -> None:
        """Batch norm stops learning its statistics near the end: what is trained is exported."""
        self.generator.train()
        if self.step >= self.recipe.freeze_norm_from * self.recipe.steps:
            for module in self.generator.modules():
                if isinstance(module, nn.BatchNorm2d):
                    module.eval()

    @torch.no_grad()
    def _update_average(self) -> None:
        # Short at first, or the random start would weigh on the average for long.
        keep = min(self.recipe.ema, (self.step + 1) / (self.step + 10))
        for name, value in self.generator.state_dict().items():
            if value.is_floating_point():
                self.average[name].lerp_(value, 1 - keep)
            else:
                self.average[name].copy_(value)

    def _throw_away(self) -> None:
        self.thrown += 1
        if self.thrown > PATIENCE:
            raise TrainingError(
                f"step {self.step}: the losses are not finite any more; "
                "try a lower --lr; the last checkpoint is intact"
            )

    def averaged(self) -> Generator:
        generator = Generator(self.architecture)
        generator.load_state_dict(self.average)
        return generator.eval()

    def checkpoint(self) -> Checkpoint:
        optimizer: dict[str, Any] = self.optimizer.state_dict()
        weights = {k: v.detach().clone() for k, v in self.generator.state_dict().items()}
        return Checkpoint(
            self.architecture, self.recipe, self.step, weights, dict(self.average), optimizer
        )


def load_weights(generator: Generator, weights: dict[str, Tensor]) -> None:
    """Raises TrainingError for weights of another architecture."""
    try:
        generator.load_state_dict(weights)
    except RuntimeError:
        raise TrainingError(
            "the checkpoint is of another architecture; give the --model-size and --alpha "
            "that it was trained with"
        ) from None


class LossRecord:
    """losses.csv: one row a step. A resumed training drops the rows after its checkpoint."""

    def __init__(self, path: Path, *, resumed_at: int) -> None:
        self.path = path
        kept = []
        if path.is_file() and resumed_at:
            with path.open(newline="") as file:
                kept = [row for row in csv.DictReader(file) if int(row["step"]) <= resumed_at]
        self._file = path.open("w", newline="")
        self._writer: csv.DictWriter[str] | None = None
        for row in kept:
            self._write(row)

    def add(self, step: int, losses: dict[str, float]) -> None:
        self._write({"step": step} | {name: f"{loss:.6g}" for name, loss in losses.items()})

    def _write(self, row: dict[str, Any]) -> None:
        if self._writer is None:
            self._writer = csv.DictWriter(self._file, list(row))
            self._writer.writeheader()
        self._writer.writerow(row)
        self._file.flush()

    def __enter__(self) -> "LossRecord":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


@torch.no_grad()
def write_preview(generator: Generator, photographs: Photographs, path: Path) -> None:
    """Held-out photographs above, painted below, as one PNG strip."""
    columns = []
    for photo in photographs.held_out[1 : 1 + PREVIEWS] or photographs.held_out[:1]:
        side = min(photo.shape[:2])
        square = np.ascontiguousarray(photo[:side, :side])
        square = np.asarray(cv2.resize(square, (PREVIEW_SIDE,) * 2), np.uint8)
        painted = to_picture(generator(to_tensor(square[None]))[0])
        columns.append(np.vstack([square, painted]))
    strip = cv2.cvtColor(np.hstack(columns), cv2.COLOR_RGB2BGR)
    cv2.imwrite(str(path), strip)
