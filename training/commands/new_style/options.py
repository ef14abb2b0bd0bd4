"""The options of `stylecam train` that decide what is learned, and on what computer."""

import click

from training.commands.shared_options import (
    Decorator,
    all_options,
    device_option,
    loss_network_option,
    precision_option,
)
from training.runtime.memory_budget import DEFAULT_BUDGET

OPTIONS: list[Decorator] = [
    click.option(
        "--num-images",
        type=int,
        help="Length of the training, in crops. [20000; 4000 from other weights]",
    ),
    click.option("--alpha", type=float, help="Width multiplier of the generator, (0, 1]. [1.0]"),
    click.option(
        "--model-size",
        type=click.Choice(["dense", "fast", "small", "full"]),
        help="Architecture: ours, our former one, the pruned one, or Johnson's. [dense]",
    ),
    click.option(
        "--batch-size",
        metavar="auto|N",
        help="Crops a step; auto: 4, or fewer where memory has no room for them. [auto]",
    ),
    click.option(
        "--max-memory",
        default=DEFAULT_BUDGET,
        show_default=True,
        help="The most that training may use: 2.5G, 800M, or a share of what is free now.",
    ),
    click.option("--image-size", metavar="N|H,W", help="Size of a crop, in pixels. [192]"),
    click.option(
        "--style-scale",
        type=float,
        help="Size of the style's patterns: 2 paints strokes twice as large. [1]",
    ),
    click.option(
        "--style-fit",
        type=click.Choice(["whole", "crop", "pad", "stretch"]),
        help="How the style picture gets the shape of the crops. [crop; whole where they are "
        "square]",
    ),
    click.option(
        "--recipe",
        "recipe_name",
        metavar="classic[:ROW]",
        help="Classic absolute losses with the weights of a row (a name or 1 to 12) of the field's "
        "cheat sheet, or with those that you give; without it, our relative losses.",
    ),
    click.option(
        "--content-weight",
        type=float,
        help="Keeps what the frame shows. [1.2; 0.6 with the painting's light]",
    ),
    click.option(
        "--face-weight",
        type=float,
        help="Keeps faces; in content weights. [5; 9 with the painting's light]",
    ),
    click.option("--style-weight", type=float, help="All style layers together. [1]"),
    click.option(
        "--light-weight",
        type=float,
        help="Keeps bright bright, dark dark. [6; 4 with the painting's light]",
    ),
    click.option(
        "--light-contrast",
        type=float,
        help="Of light and outlines, in the style picture's. [1.2; 1 with the painting's light]",
    ),
    click.option(
        "--outline-weight",
        type=float,
        help="Keeps strong outlines sharp. [30; 10 with the painting's light]",
    ),
    click.option(
        "--colour-weight",
        type=float,
        help="Keeps yellow yellow, in the style picture's palette. [0]",
    ),
    click.option("--tv-weight", type=float, help="Total variation: smoother when larger. [0]"),
    click.option("--temporal-weight", type=float, help="Steadiness under motion and noise. [8]"),
    click.option(
        "--style-loss",
        type=click.Choice(["gram", "wasserstein"]),
        help="Gram matrices, or the Wasserstein distance of the features' Gaussians. [gram]",
    ),
    click.option(
        "--layers",
        metavar="LAYER=W,LAYER=W",
        help="Layers of the style loss and their weights, like relu1_2=1.9,relu2_2=5.5.",
    ),
    click.option(
        "--light",
        type=click.Choice(["auto", "photograph", "painting"]),
        help="Whose light and shade the frames have; the painting's for panes and tiles. "
        "[auto: the painting's for a picture of flat shapes]",
    ),
    click.option(
        "--gram",
        type=click.Choice(["image", "batch", "mixed"]),
        help="Strong strokes, the frame's own colours, or between. [image]",
    ),
    loss_network_option(default=None),
    click.option(
        "--pooling", type=click.Choice(["max", "avg"]), help="Of the loss network's features. [max]"
    ),
    precision_option,
    device_option,
    click.option("--slim/--no-slim", default=None, help="Train on a slim loss network. [slim]"),
    click.option(
        "--fine-tune",
        metavar="CKPT|base|none",
        help="Start from another training's checkpoint. [the shipped base, where it fits]",
    ),
    click.option(
        "--teacher",
        metavar="STYLE",
        help="Make the light form of a finished style: a generator of half its width (--alpha 0.5) "
        "that learns from its paintings and needs less than half its time per frame.",
    ),
    click.option("--lr", type=float, help="Learning rate of the plateau. [0.002]"),
    click.option(
        "--schedule",
        type=click.Choice(["linear", "tail"]),
        help="How the rate ends: falling to a fiftieth, or at a tenth throughout. [linear]",
    ),
    click.option(
        "--tail", type=float, help="Share of the training with the lower rate. [0.5; 0.08 for tail]"
    ),
    click.option(
        "--patience",
        type=int,
        metavar="IMAGES",
        help="Crops without gain after which the training winds down; 0: never. [0]",
    ),
    click.option("--seed", type=int, help="[0]"),
    click.option("--preview-every", type=int, help="Steps between preview pictures. [400]"),
    click.option("--checkpoint-every", type=int, help="Steps between checkpoints. [200]"),
]

recipe_options = all_options(OPTIONS)
