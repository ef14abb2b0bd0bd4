"""The classic recipes of fast style transfer: absolute losses, with the field's published weights.

The rows are those of the cheat sheet of the mobile models that made alpha 0.25 known: weights of
content, style and total variation for twelve paintings. They weigh absolute losses, mean squared
errors of features and of Gram matrices of VGG-16's features of pictures 0..255, so they are taken
as they are. Our own recipe weighs relative errors (recipe.py).
"""

from typing import Any

from models.errors import UsageError, lookup

CLASSIC = {
    "bicentennial_print": (1.0, 0.0005, 0.00001),
    "femmes": (1.0, 0.001, 0.00001),
    "starry_night": (1.0, 0.003, 0.00001),
    "the_scream": (1.0, 0.002, 0.00001),
    "the_trial": (1.0, 0.003, 0.00001),
    "poppy_field": (3.0, 0.003, 0.00001),
    "ritmo_plastico": (1.0, 0.003, 0.00001),
    "head_of_clown": (1.0, 0.003, 0.00001),
    "horses_on_seashore": (1.0, 0.003, 0.00001),
    "kaleidoscope": (1.0, 0.0005, 0.00001),
    "pink_blue_rhombus": (1.0, 0.0005, 0.00001),
    "notre_dame": (1.0, 0.0004, 0.00001),
}
"""Row to its weights of content, style and total variation."""
MIDDLE = (1.0, 0.001, 0.00001)
"""`classic` without a row: weights in the middle of the table."""


def classic_fields(name: str) -> dict[str, Any]:
    """Fields of the recipe `classic`, `classic:ROW` (by name) or `classic:N` (1 to 12).

    Raises UsageError for another name.
    """
    kind, _, row = name.partition(":")
    lookup("recipe", kind, {"classic": None})
    content, style, variation = _weights_of(row) if row else MIDDLE
    return {
        "loss_units": "absolute",
        "style_loss": "gram",
        "gram": "image",
        "style_layers": ("relu1_2", "relu2_2", "relu3_3", "relu4_3"),
        "content_weight": content,
        "content_start": 1.0,
        "face_weight": 0.0,
        "style_weight": style,
        "tv_weight": variation,
        "range_weight": 0.0,
        "temporal_weight": 0.0,
        "scales": 1,
        "lr": 1e-3,
        "schedule": "tail",
    }


def _weights_of(row: str) -> tuple[float, float, float]:
    if not row.isdigit():
        return lookup("row of the classic recipes", row, CLASSIC)
    if not 1 <= int(row) <= len(CLASSIC):
        raise UsageError(f"--recipe classic:{row}: there are {len(CLASSIC)} rows, counted from 1")
    return list(CLASSIC.values())[int(row) - 1]
