"""Throughput of the training loop, of a plain loop, and the speed-up per optimisation.

The variants take turns within one run, so that other load slows all of them alike.
Crops are noise, ready in memory: the time of a step does not depend on what they show.
"""

import copy
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch

from models.system.machine import this_machine
from training.config.recipe import Recipe
from training.data.batch import crop_size
from training.loop.trainer import Trainer
from training.losses.objective import objective_for
from training.losses.pruned_vgg import prune_network
from training.losses.vgg import LossNetwork
from training.losses.vgg_weights import load_loss_network
from training.runtime.precision import Precision, has_bf16

MINIMUM_ROUNDS = 3
PRUNING_PICTURES = 8


@dataclass(frozen=True)
class Variant:
    """Options of a training loop; with the defaults it is the plain loop."""

    channels_last: bool = False
    slim: bool = False
    precision: Precision = "fp32"


PLAIN = "plain loop"
VARIANTS = {
    PLAIN: Variant(),
    "channels last alone": Variant(channels_last=True),
    "slim loss network alone": Variant(slim=True),
    "bf16 alone": Variant(precision="bf16"),
    "stylecam train": Variant(channels_last=True, slim=True, precision="auto"),
}
"""Name to training loop, the plain one first."""


def variants() -> dict[str, Variant]:
    """The variants that this CPU can run in reasonable time.

    Emulated bfloat16 would take longer than all the others together."""
    native = has_bf16()
    return {name: x for name, x in VARIANTS.items() if native or x.precision != "bf16"}


@dataclass(frozen=True)
class Throughput:
    """Images per second (from the median step time), and their ratio to the plain loop's."""

    images_per_second: float
    ratio: float


def processor() -> str:
    """The CPU's name, instruction set, support of bfloat16 and threads."""
    bf16 = "bfloat16" if has_bf16() else "no bfloat16"
    kind = torch.backends.cpu.get_cpu_capability()
    return f"{this_machine().cpu}, {kind}, {bf16}, {torch.get_num_threads()} threads"


def measure_throughput(
    recipe: Recipe, *, seconds: float, on_turn: Callable[[str], None] = lambda name: None
) -> dict[str, Throughput]:
    """Variant name to its pace, with the batch size, crop size and networks of the recipe."""
    full = load_loss_network(recipe.loss_network, recipe.pooling)
    noise = torch.rand(
        max(PRUNING_PICTURES, recipe.batch_size),
        3,
        *crop_size(recipe),
        generator=torch.Generator().manual_seed(recipe.seed),
    )
    deepest = max(recipe.content_layers + recipe.style_layers)
    with torch.no_grad():
        slim, _ = prune_network(full, noise[:PRUNING_PICTURES], deepest=deepest)
    steps = {
        name: _stepper(variant, recipe, slim if variant.slim else full, noise)
        for name, variant in variants().items()
    }
    times = take_turns(steps, seconds=seconds, on_turn=on_turn)
    rates = {name: recipe.batch_size / statistics.median(x) for name, x in times.items()}
    return {name: Throughput(rate, rate / rates[PLAIN]) for name, rate in rates.items()}


def _stepper(
    variant: Variant, recipe: Recipe, network: LossNetwork, noise: torch.Tensor
) -> Callable[[], object]:
    """A function that takes one training step of a variant."""
    layout = torch.channels_last if variant.channels_last else torch.contiguous_format
    crops = noise[: recipe.batch_size].contiguous(memory_format=layout)
    network = copy.deepcopy(network).to(memory_format=layout)
    recipe = recipe.model_copy(update={"slim": variant.slim, "precision": variant.precision})
    run = Trainer(recipe, objective_for(recipe, network, [crops[:1]], [1.0]), None)
    return lambda: run.take_step(crops)


def take_turns(
    steps: Mapping[str, Callable[[], object]],
    *,
    seconds: float,
    clock: Callable[[], float] = time.perf_counter,
    on_turn: Callable[[str], None] = lambda name: None,
) -> dict[str, list[float]]:
    """Name to the duration of each of its steps: one per round, until `seconds` have passed.

    The first round is a warm-up and does not count; at least MINIMUM_ROUNDS more are run.
    """
    times: dict[str, list[float]] = {name: [] for name in steps}
    began, rounds = clock(), 0
    while rounds <= MINIMUM_ROUNDS or clock() - began < seconds:
        for name, step in steps.items():
            on_turn(name)
            started = clock()
            step()
            times[name].append(clock() - started)
        rounds += 1
    return {name: values[1:] for name, values in times.items()}
