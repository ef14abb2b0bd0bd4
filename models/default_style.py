"""The style that is used if none is named, and the order in which the shipped ones are listed."""

STYLE_ORDER = (
    "starry-night",
    "mosaic",
    "the-scream",
    "halftone-comic",
    "woodcut",
    "stained-glass",
    "ink-hatching",
    "watercolour",
    "low-poly",
)
"""The strongest first; all others follow by name."""
DEFAULT_STYLE = STYLE_ORDER[0]
