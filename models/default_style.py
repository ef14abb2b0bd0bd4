"""The style that is used if none is named, and the order in which the shipped ones are listed."""

STYLE_ORDER = (
    "starry-night",
    "stained-glass",
    "low-poly",
    "mosaic",
    "neon",
    "halftone-comic",
    "ink-hatching",
    "the-scream",
    "woodcut",
    "watercolour",
)
"""The strongest first; all others follow by name."""
DEFAULT_STYLE = STYLE_ORDER[0]
