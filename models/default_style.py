"""The style that is used if none is named."""

DEFAULT_STYLE = "starry-night"
