"""The state of one training, and one step of it. Knows no files and no photographs."""

import copy
import logging
from typing import Any

import torch
from torch import Tensor, nn

from models.errors import TrainingError, UsageError
from models.generator.architecture import Architecture
from models.generator.batch_renorm import BatchRenorm
from models.generator.layers import Conv, Residual
from models.generator.network import Generator, load_generator
from training.config.recipe import Recipe
from training.data.batch import TrainingBatch, make_batch, overlap_of
from training.loop.checkpoint import Checkpoint
from training.loop.spike_guard import SpikeGuard
from training.losses.objective import TrainingObjective
from training.runtime.device import memory_available_on, release_free_memory_on
from training.runtime.memory_budget import UNLIMITED, MemoryBudget, format_bytes, out_of_memory

LOGGER = logging.getLogger(__name__)
BETAS = (0.9, 0.99)
RENORMED_RATE_SHARE = 0.25
"""Share of the scheduled rate once batch norm uses its running statistics: these lag the weights
by a few steps, and at the full rate the losses swing by a factor of ten."""
MAX_SKIPPED_STEPS = 20
"""Steps in a row that may be discarded because their losses are not finite or blow up."""
MAX_ROLLBACKS = 2
"""How often a training may go back to its last good state, each time halving the rate."""


class Trainer:
    """Generator, averaged weights, optimiser and step, and all departures from the recipe.

    All tensors are on the device of the objective; the weights in a checkpoint are on the CPU.
    `end`: the step at which the training ends. `rollbacks`: how often the rate was halved.
    `micro_batch`: how many crops of a batch are processed at once; with little memory fewer, but
    each step still sees the same crops, and the number of steps stays the same.
    """

    def __init__(
        self,
        recipe: Recipe,
        objective: TrainingObjective,
        start: dict[str, Tensor] | None,
        memory_budget: MemoryBudget = UNLIMITED,
    ) -> None:
        self.recipe, self.objective, self.step, self.skipped_steps = recipe, objective, 0, 0
        self.end, self.rollbacks, self.micro_batch = recipe.steps, 0, recipe.batch_size
        self.spike_guard, self.device = SpikeGuard(), objective.device
        self.memory_budget = memory_budget
        torch.manual_seed(recipe.seed)
        self.architecture = recipe.architecture
        self.generator = Generator(self.architecture).to(self.device)
        self.generator.to(memory_format=torch.channels_last)
        self._norms = [m for m in self.generator.modules() if isinstance(m, BatchRenorm)]
        if start is not None:
            load_weights(self.generator, start)
        self.average = {k: v.detach().clone() for k, v in self.generator.state_dict().items()}
        self.optimizer = torch.optim.Adam(self.generator.parameters(), lr=recipe.lr, betas=BETAS)
        self.mark_good()

    def resume(self, checkpoint: Checkpoint) -> None:
        """Continue from a checkpoint. Raises UsageError for one of another recipe."""
        check_same_recipe(self.recipe, checkpoint.recipe)
        self._restore(checkpoint)
        self.rollbacks = checkpoint.rollbacks
        self.micro_batch = checkpoint.micro_batch or self.recipe.batch_size
        self.mark_good()

    def _restore(self, checkpoint: Checkpoint) -> None:
        load_weights(self.generator, checkpoint.weights)
        self.average = {k: v.to(self.device, copy=True) for k, v in checkpoint.average.items()}
        self.optimizer.load_state_dict(copy.deepcopy(checkpoint.optimizer))
        self.step, self.skipped_steps = checkpoint.step, 0
        self.end = checkpoint.end or self.recipe.steps
        self.spike_guard = SpikeGuard(checkpoint.usual_loss)

    def mark_good(self) -> None:
        """Keep the present state as the last good one, to which a roll-back returns."""
        self._good = copy.deepcopy(self.checkpoint())

    @property
    def good(self) -> Checkpoint:
        """The last good state."""
        return self._good

    @property
    def micro_batch_changed(self) -> bool:
        """Whether memory ran out since the last good state. The state must then be saved at once:
        otherwise a training killed and resumed with more memory would give another result."""
        return self.micro_batch != (self._good.micro_batch or self.recipe.batch_size)

    @property
    def diverged(self) -> bool:
        """Whether too many steps in a row were discarded."""
        return self.skipped_steps > MAX_SKIPPED_STEPS

    def roll_back(self) -> None:
        """Return to the last good state at half the rate; TrainingError after ROLLBACKS times."""
        if self.rollbacks == MAX_ROLLBACKS:
            raise TrainingError(
                f"step {self.step}: the losses blow up, at half and a quarter of the rate, too; "
                "try a lower --lr; the last checkpoint is intact"
            )
        self.rollbacks += 1
        LOGGER.warning(
            "step %d: the losses blow up; back to step %d, at %g times the rate",
            self.step,
            self._good.step,
            0.5**self.rollbacks,
        )
        self._restore(self._good)

    def start_tail(self) -> None:
        """Shorten the training so that its low-rate tail begins now, if it has not yet begun."""
        if self.in_tail:
            return
        self.end = min(self.end, max(self.step + 1, round(self.step / self.recipe.tail_from)))
        LOGGER.info(
            "step %d: no gain any more; the low-rate tail begins, to end at step %d",
            self.step,
            self.end,
        )

    @property
    def in_tail(self) -> bool:
        shortened = self.end < self.recipe.steps
        return shortened or self.step >= self.recipe.tail_from * self.end

    def take_step(self, crops: Tensor) -> dict[str, float]:
        """Train on one batch of crops, (B, 3, *crop_size) float 0..1, or four channels (batch.py).

        Returns the weighted losses by name.

        If memory runs out, the step is repeated with half as many crops at once, and later steps
        keep that number.
        Raises TrainingError if memory does not suffice for one crop.
        """
        self._set_mode()
        rate = self.recipe.learning_rate(self.step, end=self.end) * 0.5**self.rollbacks
        if self.renormed:
            rate *= RENORMED_RATE_SHARE
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        norms = {k: v.clone() for k, v in self.generator.named_buffers()}
        while (losses := self._gradients(crops)) is None:
            self.generator.load_state_dict(norms, strict=False)
        values = dict(zip(losses, torch.stack(list(losses.values())).tolist(), strict=True))
        norm = nn.utils.clip_grad_norm_(self.generator.parameters(), self.recipe.max_gradient)
        if torch.isfinite(norm) and self.spike_guard.accepts(values):
            self.optimizer.step()
            self.generator.balance()
            self._update_average()
            self.skipped_steps = 0
        else:
            # The statistics of batch norm have already taken in the bad values.
            self.generator.load_state_dict(norms, strict=False)
            self.skipped_steps += 1
        self.step += 1
        return values

    def _gradients(self, crops: Tensor) -> dict[str, Tensor] | None:
        """The losses of a batch, their gradients set in the parameters; None if memory ran out."""
        try:
            return self._accumulate(make_batch(self.recipe, crops, self.step))
        except (RuntimeError, MemoryError) as error:
            if not out_of_memory(error):
                raise
            reason = str(error).splitlines()[0]
        # Outside the handler: inside it, the error keeps every tensor of the step alive.
        self._halve_micro_batch(reason)
        return None

    def _accumulate(self, batch: TrainingBatch) -> dict[str, Tensor]:
        """Add up the gradients over parts of a batch; returns the mean losses, detached."""
        self.optimizer.zero_grad(set_to_none=True)
        count = len(batch["source"])
        sums: dict[str, Tensor] = {}
        for first in range(0, count, self.micro_batch):
            part = {
                name: values[first : first + self.micro_batch] for name, values in batch.items()
            }
            losses = self.losses(part)
            if self.device.type == "cpu":  # elsewhere, fewer crops would free nothing of it
                self.memory_budget.check()  # at this point a step holds the most memory
            share = len(part["source"]) / count
            (torch.stack(list(losses.values())).sum() * share).backward()
            for name, loss in losses.items():
                sums[name] = sums.get(name, 0) + loss.detach() * share
        return sums

    def _halve_micro_batch(self, reason: str) -> None:
        """Halve the crops processed at once. Raises TrainingError if it was only one already."""
        release_free_memory_on(self.device)
        free = memory_available_on(self.device)
        if self.micro_batch == 1:
            left = "" if free is None else f" ({format_bytes(free)} are free)"
            raise TrainingError(
                f"step {self.step}: memory does not suffice for one crop{left}: {reason}; try a "
                "smaller --image-size, --alpha or --model-size; the last checkpoint is intact"
            )
        self.micro_batch = (self.micro_batch + 1) // 2
        LOGGER.warning("step %d: %s; on with %d crops at once", self.step, reason, self.micro_batch)

    def losses(self, part: TrainingBatch) -> dict[str, Tensor]:
        """The weighted losses of a batch, or of a part of one, by name."""
        part = {name: values.to(self.device) for name, values in part.items()}
        source, windows = part["source"], part["window"]
        if "again" in part:
            windows = torch.cat([windows, part["again"]])  # one pass: (2B, 3, H', W')
        windows = windows.contiguous(memory_format=torch.channels_last)
        paintings = self.generator.paint_window(windows, source.shape[-2], source.shape[-1])
        painted, again = paintings.tensor_split([len(source)])
        top, left = part["corner"][0].tolist()
        return self.objective(
            source,
            painted,
            window=windows[: len(source)],
            corner=(top, left),
            faces=part.get("faces"),
            overlap=overlap_of(painted, again, part),
            progress=self.step / self.end,
        )

    @property
    def renormed(self) -> bool:
        return self.step >= self.recipe.renorm_from * self.end

    def _set_mode(self) -> None:
        """Training mode; near the end, batch norm normalises as in the exported graph."""
        self.generator.train()
        for module in self._norms:
            module.renormed = self.renormed

    @torch.no_grad()
    def _update_average(self) -> None:
        # Average over few steps at first, or the random start would dominate it for long.
        keep = min(self.recipe.ema, (self.step + 1) / (self.step + 10))
        for name, value in self.generator.state_dict().items():
            if value.is_floating_point():
                self.average[name].lerp_(value, 1 - keep)
            else:
                self.average[name].copy_(value)

    def averaged_generator(self) -> Generator:
        return load_generator(self.architecture, {k: v.cpu() for k, v in self.average.items()})

    def checkpoint(self) -> Checkpoint:
        optimizer: dict[str, Any] = self.optimizer.state_dict()
        weights = {k: v.to("cpu", copy=True) for k, v in self.generator.state_dict().items()}
        return Checkpoint(
            self.architecture,
            self.recipe,
            self.step,
            weights,
            {k: v.cpu() for k, v in self.average.items()},
            optimizer,
            self.rollbacks,
            self.end,
            self.micro_batch,
            self.spike_guard.level,
        )


def check_same_recipe(recipe: Recipe, stored: Recipe) -> None:
    """Raise UsageError if a training with `recipe` cannot continue one with `stored`."""
    if differences := recipe.differences(stored):
        raise UsageError(
            f"the folder's checkpoint is of another recipe ({'; '.join(differences)}): "
            "give the same options, or another --output folder"
        )


def load_weights(generator: Generator, weights: dict[str, Tensor]) -> None:
    """Load a state_dict; what it lacks of adaptation and shortcut stays as it is. Raises
    TrainingError for weights of another architecture."""
    weights = _beside_a_shortcut(generator.architecture, weights)
    lacking = {
        name: values
        for name, values in generator.state_dict().items()
        if ".adapt." in name or name.startswith("core.0.shortcut.")
    }
    try:
        generator.load_state_dict(lacking | weights)
    except RuntimeError:
        raise TrainingError(
            "the checkpoint is of another architecture; give the --model-size and --alpha "
            "that it was trained with"
        ) from None


def _beside_a_shortcut(architecture: Architecture, weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Weights of `without_shortcut`, by their names in the architecture; others as they are."""
    match architecture.layers:
        case (Residual(body, Conv()), *_) if not any(
            name.startswith("core.0.body.") for name in weights
        ):
            inside = len(body)
        case _:
            return weights

    def renamed(name: str) -> str:
        core, place, rest = name.split(".", 2)
        if int(place) < inside:
            return f"{core}.0.body.{place}.{rest}"
        return f"{core}.{int(place) - inside + 1}.{rest}"

    return {renamed(name): values for name, values in weights.items()}
