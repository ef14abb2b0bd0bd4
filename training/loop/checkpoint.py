"""Checkpoints: all state as a torch file, a description as JSON, both written atomically."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from models.errors import TrainingError, UsageError
from models.generator.architecture import Architecture, from_json, to_json
from models.system.atomic_file import write_bytes_atomically
from training.config.recipe import Recipe

OLDER_OPTIONS: tuple[dict[str, Any], ...] = (
    {},
    {"shortcut": False},
    {"shortcut": False, "adaptive": False},
)
"""What `dense` had, by and by; with nothing said, what it has today."""


@dataclass(frozen=True)
class Checkpoint:
    """All that a training needs to continue exactly, and all that an export needs.

    `average`: exponential moving average of the weights, which is exported. `rollbacks`: how
    often the learning rate was halved. `end`: the step at which the training ends, 0 for the
    recipe's. `micro_batch`: crops of a batch that are processed at once, 0 for all. `usual_loss`:
    the usual sum of the losses (spike_guard.py), 0 if not known.

    Files keep the field names of version 0.1 for the last two: `at_once` and `usual`.
    """

    architecture: Architecture
    recipe: Recipe
    step: int
    weights: dict[str, Tensor]
    average: dict[str, Tensor]
    optimizer: dict[str, Any]
    rollbacks: int = 0
    end: int = 0
    micro_batch: int = 0
    usual_loss: float = 0.0

    @property
    def finished(self) -> bool:
        return self.step >= (self.end or self.recipe.steps)


def fingerprint(weights: dict[str, Tensor]) -> str:
    """Twelve hexadecimal digits that identify the weights."""
    digest = hashlib.sha256()
    for name in sorted(weights):
        digest.update(weights[name].detach().contiguous().numpy().tobytes())
    return digest.hexdigest()[:12]


def save_checkpoint(checkpoint: Checkpoint, path: Path) -> None:
    """Write `path` (.pt), then the .json beside it: once the .json exists, both are complete."""
    from io import BytesIO

    buffer = BytesIO()
    tensors = {
        "weights": checkpoint.weights,
        "average": checkpoint.average,
        "optimizer": checkpoint.optimizer,
        "step": checkpoint.step,
        "rollbacks": checkpoint.rollbacks,
        "end": checkpoint.end,
        "at_once": checkpoint.micro_batch,
        "usual": checkpoint.usual_loss,
        "architecture": to_json(checkpoint.architecture),
        "recipe": checkpoint.recipe.model_dump_json(),
    }
    torch.save(tensors, buffer)
    write_bytes_atomically(path, buffer.getvalue())
    about = {
        "step": checkpoint.step,
        "architecture": json.loads(to_json(checkpoint.architecture)),
        "recipe": json.loads(checkpoint.recipe.model_dump_json()),
    }
    write_bytes_atomically(path.with_suffix(".json"), json.dumps(about, indent=2).encode())


def load_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint. Raises UsageError if it is missing, TrainingError if it is damaged."""
    if not path.is_file():
        raise UsageError(f"{path}: no such checkpoint")
    try:
        stored = torch.load(path, map_location="cpu", weights_only=True)
        architecture = from_json(stored["architecture"])
        return Checkpoint(
            architecture=architecture,
            recipe=_recipe_of(stored["recipe"], architecture),
            step=stored["step"],
            weights=stored["weights"],
            average=stored["average"],
            optimizer=stored["optimizer"],
            rollbacks=stored.get("rollbacks", 0),
            end=stored.get("end", 0),
            micro_batch=stored.get("at_once", 0),
            usual_loss=stored.get("usual", 0.0),
        )
    except Exception as error:  # pickle, zip and pydantic each raise errors of their own
        reason = (str(error).splitlines() or [type(error).__name__])[0][:120]
        raise TrainingError(f"{path}: a damaged or foreign checkpoint: {reason}") from None


def _recipe_of(text: str, architecture: Architecture) -> Recipe:
    """The stored recipe. One from before `dense` was adaptive, or had a shortcut, does not say that
    it was not, or had none."""
    recipe = Recipe.model_validate(json.loads(text))
    for older in OLDER_OPTIONS if recipe.model_size == "dense" else ():
        told = recipe.model_copy(update={"options": older | recipe.options})
        if told.architecture == architecture:
            return told
    return recipe
