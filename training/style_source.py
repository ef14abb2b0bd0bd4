"""The style picture that a user's words mean: a file, or one of the drawn styles."""

from dataclasses import dataclass
from pathlib import Path

from models.errors import UsageError
from training.drawn import DRAWN
from training.images import Picture, read_rgb, shrink_to

DRAWN_SIDE = 768


@dataclass(frozen=True)
class StyleSource:
    """A picture (H, W, 3) uint8 RGB, and the name that a style made of it gets."""

    name: str
    picture: Picture


def style_source(text: str, size: int) -> StyleSource:
    """The picture at `text`, or drawn by that name, with its longer side at most `size`.

    Raises UsageError where it is neither, or cannot be read.
    """
    if text in DRAWN:
        return StyleSource(text, shrink_to(DRAWN[text](DRAWN_SIDE, 0), size, longer=True))
    path = Path(text)
    if not path.is_file():
        raise UsageError(f"{text}: no such picture, nor a drawn style ({', '.join(sorted(DRAWN))})")
    name = "".join(c if c.isalnum() else "-" for c in path.stem.lower()).strip("-")
    return StyleSource(name or "style", shrink_to(read_rgb(path), size, longer=True))
