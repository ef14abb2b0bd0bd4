"""Named settings of a painting: the field's classic rows, and looks of our own.

A classic row holds weights of content, style and total variation on the unnormalised losses of
Johnson et al. 2016; our losses are normalised, so each is mapped by its ratio to a row that
became our default: content 1, style .0015, total variation .00001.
"""

from typing import Any

from models.errors import lookup
from training.config.presets import CLASSIC
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
