"""Named settings of a painting: the rows of the classic table, and looks of our own.

A classic row weighs content, style and total variation as absolute losses. Ours are normalised,
so each row is mapped by its ratio to weights that stand for our default: 1, .0015 and .00001.
"""

from typing import Any

from models.errors import lookup
from training.config.classic_recipes import CLASSIC
from training.optimise.settings import PaintSettings

PLAIN_RATIO = 0.0015
PLAIN_VARIATION = 0.00001

LOOKS: dict[str, dict[str, Any]] = {
    "bold-strokes": {"style_scale": 1.6, "style_weight": 62},
    "miniature": {"style_scale": 0.6, "style_weight": 45},
    "likeness": {"style_weight": 30, "tv_weight": 1},
    "tinted": {"colours": "luminance", "style_weight": 55},
    "in-place": {"method": "remd"},
}
"""Our own: large strokes; small ones; the sitter first; the photograph's colours; colours and
strokes where they belong."""


def painting_preset(name: str) -> dict[str, Any]:
    """A preset's settings, by field. Raises UsageError for an unknown one."""
    if name in LOOKS:
        return LOOKS[name]
    if name not in CLASSIC:
        lookup("preset", name, dict.fromkeys(preset_names()))
    content, style, variation = CLASSIC[name]
    ratio = style / content / PLAIN_RATIO
    default = PaintSettings.model_fields["tv_weight"].default
    return {
        "style_weight": round(100 * ratio / (1 + ratio), 1),
        "tv_weight": round(default * variation / PLAIN_VARIATION, 6),
    }


def preset_names() -> list[str]:
    return [*LOOKS, *CLASSIC]
