"""`stylecam train --teacher STYLE`: a light form, learned from a finished style's paintings."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.card import StyleCard, load_card, write_card
from models.catalogue import style_paths, user_folder
from models.errors import UsageError, lookup

if TYPE_CHECKING:
    from models.generator.network import Generator

LIGHT_ALPHA = 0.5
LIGHT = "{}-light"
"""The usual name of the light form of a style."""
WITHOUT_EFFECT = (
    "recipe_name",
    "layers",
    "content_weight",
    "style_weight",
    "tv_weight",
    "light_weight",
    "light_contrast",
    "outline_weight",
    "colour_weight",
    "temporal_weight",
    "style_loss",
    "light",
    "gram",
)
"""Options that say how to learn from the style picture."""


@dataclass(frozen=True)
class Teacher:
    """A finished style to learn from."""

    card: StyleCard
    generator: "Generator"


def refuse_without_effect(options: dict[str, Any]) -> None:
    """Raise UsageError if one of WITHOUT_EFFECT is given."""
    for name in WITHOUT_EFFECT:
        if options[name] is not None:
            flag = "--" + name.removesuffix("_name").replace("_", "-")
            raise UsageError(
                f"{flag} has no effect with --teacher, whose paintings decide; leave out either"
            )


def load_teacher(style: str) -> Teacher:
    """The style, given by name or as an .onnx file.

    Raises UsageError for a style that cannot be learned from, ModelError for a damaged file."""
    import torch

    from models.generator.network import load_generator
    from models.onnx.graph import read_weights
    from models.onnx.model_file import read_model

    path = Path(style) if style.endswith(".onnx") else lookup("style", style, style_paths())
    card = load_card(path)
    try:
        architecture, weights = read_weights(read_model(path))
    except KeyError:
        raise UsageError(
            f"--teacher {style}: its weights cannot be read ({card.precision}); give the style "
            "that it was made from"
        ) from None
    if architecture.margin:  # sees more of a photograph than the windows of a training show
        raise UsageError(
            f"--teacher {style}: a style of the size {architecture.name}; only those of the size "
            "dense can teach"
        )
    tensors = {name: torch.from_numpy(array.copy()) for name, array in weights.items()}
    return Teacher(card, load_generator(architecture, tensors))


def taught_by(teacher: StyleCard) -> dict[str, Any]:
    """The fields of a recipe that learns from the paintings of a style."""
    from training.config.recipe import TAUGHT_IMAGES

    return {
        "teacher": f"{teacher.name} {teacher.sha256[:12]}",
        "num_images": TAUGHT_IMAGES,
        "scales": 2,  # of which only the part at full size is looked at
        "temporal_weight": 0.0,  # as steady as the teacher
        "exposure": teacher.exposure,
        "grain": teacher.grain,
    }


def tell_of_light_form(teacher: StyleCard, name: str) -> bool:
    """Write into the card of the user's own style that `name`, beside it, is its light form. False
    for a style of others, whose card is not the user's to change."""
    if teacher.path.parent != user_folder():
        return False
    write_card(teacher.model_copy(update={"lighter": name}), teacher.path)
    return True
