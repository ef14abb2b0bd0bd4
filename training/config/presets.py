"""Loss weights for kinds of style pictures: the classic weights, mapped to our relative ones.

The classic table (fast style transfer in the manner of Johnson et al. 2016, on unnormalised
losses) has content 1.0, or 3.0 for soft landscapes; style 0.0004 to 0.003; total variation
0.00001. Our losses are relative, so each weight is mapped by one factor: a classic style weight
of 0.0015 becomes 18, a content weight of 1 becomes 0.5. Our default style and content weights,
22 and 0.5, lie between print (12 and 0.5) and brushwork (36 and 0.5).
"""

from models.errors import lookup

CONTENT_FACTOR = 0.5
STYLE_FACTOR = 12_000
TV_FACTOR = 100_000

CLASSIC = {
    "geometric": (1.0, 0.0005, 0.00001),
    "brushwork": (1.0, 0.003, 0.00001),
    "landscape": (3.0, 0.0015, 0.00001),
    "print": (1.0, 0.001, 0.00001),
}
"""Name to the classic weights of content, style and total variation."""


def preset(name: str) -> dict[str, float]:
    """A preset's loss weights, by field of the recipe. Raises UsageError for an unknown one."""
    content, style, variation = lookup("preset", name, CLASSIC)
    return {
        "content_weight": content * CONTENT_FACTOR,
        "style_weight": round(style * STYLE_FACTOR, 6),
        "tv_weight": round(variation * TV_FACTOR, 6),
    }
