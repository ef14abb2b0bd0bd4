"""Keeps the figures of the quality report in a style's card."""

import math
from pathlib import Path

from models.card import load_card, write_card
from training.data.tensors import Picture
from training.evaluation.metrics import Quality, style_target_of
from training.evaluation.model_painter import ModelPainter
from training.evaluation.report import quality_of
from training.losses.vgg import LossNetwork

DIGITS = 4
JUDGED = 8
"""Photographs on which a new style is judged: enough for two digits, in well under a minute."""


def keep_in_card(path: Path, quality: Quality) -> None:
    """Write the figures into the card of the model at `path`, in place of older ones.

    A figure that was not measured (nan) is left out. Raises StylecamError if it cannot be written.
    """
    figures = {
        name: round(value, DIGITS)
        for name, value in quality.as_dict().items()
        if not math.isnan(value)
    }
    card = load_card(path)
    write_card(card.model_copy(update={"metrics": figures}), path)


def judge_new_style(
    path: Path,
    photographs: list[Picture],
    style_pictures: list[Picture],
    shares: list[float],
    network: LossNetwork,
) -> Quality:
    """Judge a freshly exported style on up to JUDGED photographs; its card keeps the figures."""
    target = style_target_of(network, style_pictures, shares)
    quality = quality_of(ModelPainter(path), photographs[:JUDGED], network, target)
    keep_in_card(path, quality)
    return quality
