"""The options of `stylecam paint` that decide how the picture looks."""

from typing import Any

import click
from pydantic import ValidationError

from models.errors import UsageError
from training.commands.shared_options import Decorator, all_options

FIELDS = {"preserve_colors": "colours", "init": "initial"}
"""Options whose field has another name."""

OPTIONS: list[Decorator] = [
    click.option(
        "--size",
        "--end-scale",
        "-s",
        "size",
        type=click.IntRange(64),
        help="Longer side of the painting in pixels; may be larger than the photograph. [512]",
    ),
    click.option(
        "--resolution",
        type=click.FloatRange(0.01, 1000),
        metavar="MEGAPIXELS",
        help="The same as an area, instead of --size.",
    ),
    click.option(
        "--iterations",
        type=int,
        help="Steps at each size after the first; each size is 1.41 times the one before. [100]",
    ),
    click.option("--initial-iterations", type=int, help="Steps at the first, smallest size. [200]"),
    click.option(
        "--style-weight",
        type=float,
        metavar="PERCENT",
        help="Style against content: style counts P/50, content (100-P)/50 times. [50]",
    ),
    click.option(
        "--content-weight",
        type=float,
        help="How strongly the photograph's shapes are held: a factor of their loss. [0.05]",
    ),
    click.option(
        "--tv-weight",
        type=float,
        help="Total variation, the squared differences of neighbours: smoother when larger. [2]",
    ),
    click.option(
        "--style-scale",
        type=float,
        help="Longer side of the style picture as a share of the painting's: larger strokes. [1]",
    ),
    click.option(
        "--depth",
        type=int,
        help="How many style layers, from fine to deep: 1 is colour and grain, 5 whole shapes.",
    ),
    click.option(
        "--style-layers",
        "--layers",
        "style_layers",
        metavar="LAYER=W,LAYER=W",
        help="Style layers and weights, like conv1_1=256,block2_conv1=64 or relu3_1.",
    ),
    click.option(
        "--content-layers",
        metavar="LAYER=W,LAYER=W",
        help="Content layers and weights. [relu4_2=1]",
    ),
    click.option(
        "--method",
        type=click.Choice(["gram", "remd"]),
        help="gram: the style's features as a whole. remd: relaxed earth mover's distance, each "
        "place like the place of the style that suits it. [gram]",
    ),
    click.option(
        "--optimizer", type=click.Choice(["adam", "lbfgs"]), help="How the pixels descend. [adam]"
    ),
    click.option("--step-size", type=float, help="Adam's, in units of brightness. [0.02]"),
    click.option(
        "--pooling",
        type=click.Choice(["max", "average", "l2"]),
        help="Between the loss network's blocks; average and l2 paint softer. [max]",
    ),
    click.option(
        "--init",
        metavar="content|style|noise|PICTURE",
        help="What is painted over: the photograph, noise in the style's colours, grey noise, or "
        "a picture. [content]",
    ),
    click.option(
        "--preserve-colors",
        "--keep-colours",
        "preserve_colors",
        is_flag=False,
        flag_value="luminance",
        type=click.Choice(["luminance", "histogram"]),
        help="Keep the photograph's colours: paint its luminance only (the same without a value), "
        "or give its colours to the style picture first.",
    ),
    click.option(
        "--enhance",
        is_flag=True,
        default=None,
        help="Paint one size more, with fine strokes only, and reduce it: sharper, 2 to 3 times as "
        "long.",
    ),
    click.option("--seed", type=int, help="Of noise and of the positions of remd. [0]"),
]


look_options = all_options(OPTIONS)


def settings_from(given: dict[str, Any], preset: str | None) -> Any:
    """The PaintSettings of options (None: not given) on top of a preset.

    Raises UsageError naming the option."""
    from training.optimise.objective.layers import parse_layer_weights
    from training.optimise.presets import painting_preset
    from training.optimise.settings import PaintSettings

    fields = dict(painting_preset(preset)) if preset else {}
    for option, value in given.items():
        if value is None or value == ():
            continue
        field = FIELDS.get(option, option)
        fields[field] = value
        if field in ("style_layers", "content_layers") and isinstance(value, str):
            try:
                fields[field] = parse_layer_weights(value)
            except UsageError as error:
                raise UsageError(f"{_flag(field)}: {error}") from None
    try:
        return PaintSettings.model_validate(fields)
    except ValidationError as error:
        first = error.errors()[0]
        if not first["loc"]:
            raise UsageError(f"--{first['msg'].removeprefix('Value error, ')}") from None
        text = f"{_flag(str(first['loc'][0]))}: {first['msg']}, not {first['input']!r}"
        raise UsageError(text) from None


def _flag(field: str) -> str:
    names = {field: option for option, field in FIELDS.items()}
    return "--" + names.get(field, field).replace("_", "-")
