"""Options that several commands share, each defined once."""

from collections.abc import Callable
from typing import Any

import click

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def all_options(options: list[Decorator]) -> Decorator:
    """A decorator that adds these options to a command, in their order."""

    def add(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            command = option(command)
        return command

    return add


device_option = click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "cuda"]),
    default="auto",
    show_default=True,
    help="What computes; auto: the GPU where torch finds one.",
)


precision_option = click.option(
    "--precision",
    type=click.Choice(["auto", "fp32", "bf16"]),
    help="Of the loss network; auto: bf16 on a CPU that computes it, else fp32. [auto]",
)

LOSS_NETWORK_NAMES = ("vgg16", "vgg19")
"""The keys of training.losses.vgg_weights.LOSS_NETWORKS, which cannot be imported without torch."""


def loss_network_option(*, default: str | None = "vgg16") -> Callable[[Any], Any]:
    """The option; a `default` of None leaves the choice to the recipe."""
    return click.option(
        "--loss-network",
        type=click.Choice(LOSS_NETWORK_NAMES),
        default=default,
        help="ImageNet's VGG-16 (from torchvision, or from PyPI without a hub) or VGG-19. [vgg16]",
    )
