"""Turns the options of `stylecam train` into a recipe and the weights to start from."""

import logging
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from models.card import check_name
from models.catalogue import SHIPPED, style_paths
from models.errors import UsageError
from models.generator.architecture import Architecture, without_adaptation, without_shortcut
from training.config.classic_recipes import classic_fields

if TYPE_CHECKING:
    from training.config.recipe import Recipe
    from training.data.style_image import StyleImage
    from training.loop.checkpoint import Checkpoint

LOGGER = logging.getLogger(__name__)

BASES = {1.0: SHIPPED / "base.pt", 0.5: SHIPPED / "base-light.pt"}
"""The shipped weights of a `dense` generator from which a training starts, by its alpha."""


def parse_options(options: dict[str, Any], recipe_name: str | None) -> dict[str, Any]:
    """The options as fields of a recipe, None if not given; they override the named recipe.

    Raises UsageError for an option that cannot be parsed and for an unknown recipe.
    """
    parsed = dict(options)
    if (layers := parsed.pop("layers")) is not None:
        parsed |= parse_layers(layers, parsed["loss_network"])
    if parsed["image_size"] is not None:
        parsed["image_size"] = parse_image_size(parsed["image_size"])
    parsed["batch_size"] = parse_batch_size(parsed["batch_size"])
    if parsed["light"] == "auto":  # what no option says, the picture decides
        parsed["light"] = None
    if recipe_name is not None:
        given = {key: value for key, value in parsed.items() if value is not None}
        parsed |= classic_fields(recipe_name) | given
    return parsed


def parse_layers(text: str, network: str | None) -> dict[str, Any]:
    """ "relu1_2=1,conv2_2=0.5" as fields of a recipe; a layer without a share gets 1.

    Raises UsageError for a layer that the loss network lacks, and for an invalid share.
    """
    from training.losses.vgg import layer_names
    from training.optimise.objective.layers import check_layers, parse_layer_weights

    try:
        shares = parse_layer_weights(text)
        check_layers(shares, layer_names("vgg19" if network == "vgg19" else "vgg16"))
    except UsageError as error:
        raise UsageError(f"--layers: {error}") from None
    return {"style_layers": tuple(shares), "layer_weights": tuple(shares.values())}


def starting_point(wanted: str | None, options: dict[str, Any]) -> "Checkpoint | None":
    """The checkpoint to fine-tune from: one by path, the shipped base that fits, or None.

    Raises UsageError for a file that is no checkpoint, and if a base is wanted where none fits.
    """
    from training.loop.checkpoint import load_checkpoint

    if wanted == "none":
        return None
    if wanted not in (None, "base"):
        return load_checkpoint(Path(wanted))
    size, alpha = options["model_size"] or "dense", options["alpha"] or 1.0
    if size == "dense" and alpha in BASES:
        return load_checkpoint(BASES[alpha])
    if wanted is None:
        return None
    alphas = " and ".join(f"{alpha:g}" for alpha in BASES)
    raise UsageError(
        f"--fine-tune base: there is none of {size} at alpha {alpha:g}, only of dense at {alphas}; "
        "give --fine-tune none"
    )


def make_recipe(
    style: tuple[str, ...],
    images: tuple[str, ...],
    start: "Checkpoint | None",
    options: dict[str, Any],
    usual: dict[str, Any] | None = None,
) -> "Recipe":
    """The recipe from the given options (not None), and from `usual` what they leave open. Raises
    UsageError naming an invalid option."""
    from training.config.recipe import FINE_TUNE_IMAGES, Recipe
    from training.loop.checkpoint import fingerprint

    given = (usual or {}) | {key: value for key, value in options.items() if value is not None}
    if start is not None:
        base = fingerprint(start.average)
        family = start.recipe.family or start.recipe.base or base
        given = {"num_images": FINE_TUNE_IMAGES, "base": base, "family": family} | given
    try:
        return Recipe(style=" ".join(style), images=images, **given)
    except ValidationError as error:
        first = error.errors()[0]
        flag = "--" + str(first["loc"][0]).replace("_", "-")
        raise UsageError(f"{flag}: {first['msg']}, not {first['input']!r}") from None


def load_styles(style: tuple[str, ...], recipe: "Recipe") -> "list[StyleImage]":
    """The style pictures at the recipe's scale and shape. Raises UsageError if one is unusable."""
    from training.data.style_image import load_style_image

    scale, fit, shape = recipe.style_scale, recipe.style_fit, recipe.image_size
    return [load_style_image(text, scale=scale, fit=fit, shape=shape) for text in style]


def with_styles(
    recipe: "Recipe", sources: "list[StyleImage]", shares: list[float] | None
) -> "Recipe":
    """The recipe with what its pictures decide; says what speaks against them."""
    from training.config.recipe import USUAL_WEIGHTS
    from training.data.style_advice import advice, has_flat_shapes
    from training.data.style_image import picture_digest

    if recipe.teacher:
        digest = picture_digest([source.picture for source in sources])
        return recipe.model_copy(update={"style_digest": digest})
    for source in sources:
        for line in advice(source.picture):
            LOGGER.warning("%s: %s", source.name, line)
    told: dict[str, Any] = {"style_shares": tuple(shares)} if shares else {}
    pictures = [source.picture for source in sources]
    undecided = "light" not in recipe.model_fields_set and recipe.loss_units == "relative"
    if undecided and all(map(has_flat_shapes, pictures)):
        LOGGER.info("flat shapes without light and shade of their own: --light painting")
        told["light"] = "painting"
    if recipe.loss_units == "relative":
        usual = USUAL_WEIGHTS[told.get("light", recipe.light)]
        told |= {name: x for name, x in usual.items() if name not in recipe.model_fields_set}
    return recipe.model_copy(update={"style_digest": picture_digest(pictures)} | told)


def check_before_training(
    recipe: "Recipe",
    start: "Checkpoint | None",
    name: str,
    folder: Path,
    *,
    repair: bool,
    install: bool,
) -> None:
    """Raise UsageError, before anything slow starts, for what would fail or be regretted later:
    an invalid or taken name, a start of another architecture, a run with another recipe."""
    from training.loop.checkpoint import load_checkpoint
    from training.loop.train import CHECKPOINT
    from training.loop.trainer import check_same_recipe

    check_name(name)
    path = folder / CHECKPOINT
    if install and not path.is_file() and name in (taken := style_paths()):
        whose = "is shipped" if taken[name].parent == SHIPPED else "is yours already"
        raise UsageError(
            f"a style {name} {whose}; give another --name, --force to replace it in your list, "
            "or --no-install"
        )
    if start is not None and not starts(recipe.architecture, start.architecture):
        raise UsageError(
            f"--fine-tune: the checkpoint is of another architecture ({start.architecture.name} at "
            f"alpha {start.architecture.alpha:g}); give the --model-size and --alpha that it was "
            "trained with"
        )
    if path.is_file() and not repair:
        stored = load_checkpoint(path).recipe
        size = recipe.batch_size if "batch_size" in recipe.model_fields_set else stored.batch_size
        check_same_recipe(recipe.model_copy(update={"batch_size": size}), stored)


def starts(wanted: Architecture, given: Architecture) -> bool:
    """Whether weights of `given` can start a training of `wanted`: what they lack of adaptation
    or of a shortcut starts as none."""
    plain = without_shortcut(wanted)
    return any(
        (given.layers, given.residual) == (fitting.layers, fitting.residual)
        for fitting in (wanted, without_adaptation(wanted), plain, without_adaptation(plain))
    )


def parse_shares(text: str | None, count: int) -> list[float]:
    """ "2,1" as [2.0, 1.0], one per style; equal shares for None. Raises UsageError."""
    if text is None:
        return [1.0] * count
    try:
        shares = [float(part) for part in text.split(",")]
    except ValueError:
        raise UsageError(f"--style-weights {text!r}: not comma-separated numbers") from None
    if len(shares) != count or not all(0 <= x < inf for x in shares) or sum(shares) == 0:
        raise UsageError(
            f"--style-weights {text!r}: give {count} numbers, one per style, at least one above 0"
        )
    return shares


def parse_image_size(text: str) -> tuple[int, int]:
    """ "192,256" as (192, 256), height first; "128" as (128, 128). Raises UsageError."""
    parts = text.split(",")
    try:
        sides = [int(part) for part in parts]
    except ValueError:
        sides = []
    if len(sides) not in (1, 2):
        raise UsageError(f"--image-size {text!r}: write N or H,W in pixels, like 128 or 192,256")
    return sides[0], sides[-1]


def parse_batch_size(text: str | None) -> int | None:
    """The number, or None for None and "auto": what fits in memory. Raises UsageError."""
    if text is None or text == "auto":
        return None
    try:
        return int(text)
    except ValueError:
        raise UsageError(f"--batch-size {text!r}: give a whole number, or auto") from None
