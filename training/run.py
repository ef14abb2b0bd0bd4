"""The state of one training, and one step of it. Knows no files and no photographs."""

import copy
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from models.architecture import MODEL_SIZES, Architecture
from models.batch_renorm import BatchRenorm
from models.errors import TrainingError, UsageError
from models.generator import Generator, trained
from models.memory import give_back
from training.calm import calm_loss
from training.checkpoint import Checkpoint
from training.lesson import Lesson, lesson_of
from training.memory import UNLIMITED, Ceiling, free_bytes, out_of_memory, readable
from training.objective import Objective
from training.recipe import Recipe
from training.temporal import temporal_loss
from training.usual_loss import UsualLoss

LOGGER = logging.getLogger(__name__)
BETAS = (0.9, 0.99)
RENORMED_RATE = 0.25
"""Of the usual rate once values are those of the running statistics: these follow the weights a
few steps behind, and at the full rate losses swing by ten times."""
PATIENCE = 20
"""Steps in a row that may be thrown away for losses that are not finite, or blow up."""
ROLLBACKS = 2
"""How often a training goes back to its last good state, each time at half the rate."""


def architecture_of(recipe: Recipe) -> Architecture:
    build: Callable[..., Architecture] = MODEL_SIZES[recipe.model_size]
    return build(recipe.alpha, **recipe.options)


class Run:
    """Generator, averaged weights, optimiser, step; and how far the plan was departed from.

    `end` is the step that it ends at; `rollbacks` how often the rate was halved; `at_once` how
    many crops of a batch are worked through at once: a step sees the same crops, and the count
    of steps stays, however little memory there is.
    """

    def __init__(
        self,
        recipe: Recipe,
        objective: Objective,
        start: dict[str, Tensor] | None,
        ceiling: Ceiling = UNLIMITED,
    ) -> None:
        self.recipe, self.objective, self.step, self.thrown = recipe, objective, 0, 0
        self.end, self.rollbacks, self.at_once = recipe.steps, 0, recipe.batch_size
        self.usual = UsualLoss()
        self.ceiling = ceiling
        torch.manual_seed(recipe.seed)
        self.architecture = architecture_of(recipe)
        self.generator = Generator(self.architecture, wrapped=True)
        self._norms = [m for m in self.generator.modules() if isinstance(m, BatchRenorm)]
        if start is not None:
            load_weights(self.generator, start)
        self.average = {k: v.detach().clone() for k, v in self.generator.state_dict().items()}
        self.optimizer = torch.optim.Adam(self.generator.parameters(), lr=recipe.lr, betas=BETAS)
        self.remember()

    def resume(self, checkpoint: Checkpoint) -> None:
        """Go on from a checkpoint. Raises UsageError for one of another recipe."""
        refuse_another(self.recipe, checkpoint.recipe)
        self._restore(checkpoint)
        self.rollbacks, self.end = checkpoint.rollbacks, checkpoint.end or self.recipe.steps
        self.at_once = checkpoint.at_once or self.recipe.batch_size
        self.remember()

    def _restore(self, checkpoint: Checkpoint) -> None:
        load_weights(self.generator, checkpoint.weights)
        self.average = {k: v.clone() for k, v in checkpoint.average.items()}
        self.optimizer.load_state_dict(copy.deepcopy(checkpoint.optimizer))
        self.step, self.thrown = checkpoint.step, 0
        self.usual = UsualLoss(checkpoint.usual)

    def remember(self) -> None:
        """Take the state as it is for good: what a roll-back goes back to."""
        self._good = copy.deepcopy(self.checkpoint())

    @property
    def departed(self) -> bool:
        """Memory ran out since the state was last taken for good: to be saved at once, or a
        training killed and resumed with more memory would go another way."""
        return self.at_once != (self._good.at_once or self.recipe.batch_size)

    @property
    def diverged(self) -> bool:
        """Too many steps in a row were thrown away."""
        return self.thrown > PATIENCE

    def roll_back(self) -> None:
        """Back to the last good state, at half the rate. Raises TrainingError when in vain."""
        if self.rollbacks == ROLLBACKS:
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

    def wind_down(self) -> None:
        """Bring the falling rate and running statistics forward to now; nothing if they began."""
        if self.winding_down:
            return
        self.end = min(self.end, max(self.step + 1, round(self.step / self.recipe.tail_from)))
        LOGGER.info(
            "step %d: no gain any more; the low-rate tail begins, to end at step %d",
            self.step,
            self.end,
        )

    @property
    def winding_down(self) -> bool:
        shortened = self.end < self.recipe.steps
        return shortened or self.step >= self.recipe.tail_from * self.end

    def take_step(
        self, source: Tensor, content: dict[str, Tensor] | None = None
    ) -> dict[str, float]:
        """One batch (B, 3, H, W) float 0..1; the weighted losses by name.

        `content`: the content features of `source`, where known already. Where memory runs out
        the step is tried again with half as many crops at once, now and from then on. Raises
        TrainingError where it does not suffice for one.
        """
        self._set_mode()
        rate = self.recipe.learning_rate(self.step, end=self.end) * 0.5**self.rollbacks
        if self.renormed:
            rate *= RENORMED_RATE
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        norms = {k: v.clone() for k, v in self.generator.named_buffers()}
        while (losses := self._gradients(source, content)) is None:
            self.generator.load_state_dict(norms, strict=False)
        norm = nn.utils.clip_grad_norm_(self.generator.parameters(), self.recipe.max_gradient)
        if torch.isfinite(norm) and self.usual.takes(losses):
            self.optimizer.step()
            self._update_average()
            self.thrown = 0
        else:
            # Batch norm has seen the bad values already.
            self.generator.load_state_dict(norms, strict=False)
            self.thrown += 1
        self.step += 1
        return {name: float(loss) for name, loss in losses.items()}

    def _gradients(
        self, source: Tensor, content: dict[str, Tensor] | None
    ) -> dict[str, Tensor] | None:
        """The losses of a batch, and their gradients in the parameters; None if memory ran out."""
        try:
            return self._accumulate(lesson_of(self.recipe, source, self.step) | (content or {}))
        except (RuntimeError, MemoryError) as error:
            if not out_of_memory(error):
                raise
            reason = str(error).splitlines()[0]
        # Out of the handler: until its end the error holds on to every tensor of the step.
        self._halve(reason)
        return None

    def _accumulate(self, batch: Lesson) -> dict[str, Tensor]:
        """Add up the gradients of parts of a batch; the mean losses, without their graphs."""
        self.optimizer.zero_grad(set_to_none=True)
        count = len(batch["source"])
        sums: dict[str, Tensor] = {}
        for first in range(0, count, self.at_once):
            part = {name: values[first : first + self.at_once] for name, values in batch.items()}
            losses = self.losses(part)
            self.ceiling.check()  # here a step holds most
            share = len(part["source"]) / count
            (torch.stack(list(losses.values())).sum() * share).backward()
            for name, loss in losses.items():
                sums[name] = sums.get(name, 0) + loss.detach() * share
        return sums

    def _halve(self, reason: str) -> None:
        """Half as many crops at once. Raises TrainingError where it was one already."""
        give_back()
        free = free_bytes()
        if self.at_once == 1:
            left = "" if free is None else f" ({readable(free)} are free)"
            raise TrainingError(
                f"step {self.step}: memory does not suffice for one crop{left}: {reason}; try a "
                "smaller --image-size, --alpha or --model-size; the last checkpoint is intact"
            )
        self.at_once = (self.at_once + 1) // 2
        LOGGER.warning("step %d: %s; on with %d crops at once", self.step, reason, self.at_once)

    def losses(self, part: Lesson) -> dict[str, Tensor]:
        """The weighted losses of a lesson, with its content features where known, by name."""
        source = part["source"]
        wanted = {x: part[x] for x in self.recipe.content_layers if x in part}
        wanted = wanted or self.objective.content_target(source)
        pictures = torch.cat([source, part["moved"]]) if "moved" in part else source
        painted, again = self.generator(pictures).tensor_split([len(source)])
        losses = self.objective.against(wanted, source, painted)
        if "moved" in part:
            steadiness = temporal_loss(painted, again, part["motion"])
            losses["temporal"] = steadiness * self.recipe.temporal_weight
        if "walls" in part:
            with self._fixed_norm(), self.generator.as_in_use():
                walls = self.generator(part["walls"])
            losses["calm"] = calm_loss(walls) * self.recipe.calm_weight
        return losses

    @contextmanager
    def _fixed_norm(self) -> Iterator[None]:
        """Batch norm by its statistics so far: those of walls alone would make noise loud."""
        for module in self._norms:
            module.eval()
        try:
            yield
        finally:
            for module in self._norms:
                module.train()

    @property
    def renormed(self) -> bool:
        return self.step >= self.recipe.renorm_from * self.end

    def _set_mode(self) -> None:
        """Near the end batch norm paints as the exported graph will."""
        self.generator.train()
        for module in self._norms:
            module.renormed = self.renormed

    @torch.no_grad()
    def _update_average(self) -> None:
        # Short at first, or the random start would weigh on the average for long.
        keep = min(self.recipe.ema, (self.step + 1) / (self.step + 10))
        for name, value in self.generator.state_dict().items():
            if value.is_floating_point():
                self.average[name].lerp_(value, 1 - keep)
            else:
                self.average[name].copy_(value)

    def averaged(self) -> Generator:
        return trained(self.architecture, self.average)

    def checkpoint(self) -> Checkpoint:
        optimizer: dict[str, Any] = self.optimizer.state_dict()
        weights = {k: v.detach().clone() for k, v in self.generator.state_dict().items()}
        return Checkpoint(
            self.architecture,
            self.recipe,
            self.step,
            weights,
            dict(self.average),
            optimizer,
            self.rollbacks,
            self.end,
            self.at_once,
            self.usual.level,
        )


def refuse_another(recipe: Recipe, stored: Recipe) -> None:
    """Raise UsageError where a training by `recipe` cannot go on from one by `stored`."""
    if departures := recipe.departures(stored):
        raise UsageError(
            f"the folder's checkpoint is of another recipe ({'; '.join(departures)}): "
            "give the same options, or another --output folder"
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
