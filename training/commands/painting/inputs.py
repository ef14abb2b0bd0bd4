"""The pictures of a painting, read from where the command line says."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from models.errors import UsageError

if TYPE_CHECKING:
    from torch import Tensor

KEEP = "none"
"""Given as --style of a region: the photograph stays there."""
DRAWN_SIDE = 1024
SMALLEST_PHOTO = 16
SMALLEST_STYLE = 32


@dataclass(frozen=True)
class Inputs:
    """Everything that is painted from. Pictures are (1, 3, H, W) float 0..1."""

    photo: "Tensor"
    styles: "list[Tensor | None]"
    regions: "Tensor | None"
    initial: "Tensor | None"

    def pictures(self) -> "list[Tensor | None]":
        return [self.photo, *self.styles, self.regions, self.initial]

    @property
    def shape(self) -> tuple[int, int]:
        """(H, W) of the photograph."""
        return (self.photo.shape[2], self.photo.shape[3])


def load_inputs(
    photo: Path, styles: tuple[str, ...], mask: Path | None, initial: str | None
) -> Inputs:
    """Read the pictures. Raises UsageError naming the file, or the option that does not fit."""
    if mask is None and KEEP in styles:
        raise UsageError("--style none: only for a region of a --mask")
    picture = as_tensor(_read(photo))
    if min(picture.shape[2:]) < SMALLEST_PHOTO:
        raise UsageError(
            f"{photo}: a photograph of {picture.shape[3]}x{picture.shape[2]} is too small to paint"
        )
    pictures = [None if text == KEEP else as_tensor(read_style(text)) for text in styles]
    if not any(x is not None for x in pictures):
        raise UsageError("--style: every region keeps the photograph; give one a style picture")
    shape = (picture.shape[2], picture.shape[3])
    return Inputs(
        picture,
        pictures,
        None if mask is None else _regions(mask, len(styles), shape),
        None if initial is None else as_tensor(_read(Path(initial))),
    )


def read_style(text: str) -> NDArray[np.uint8]:
    """The style picture (H, W, 3) that `text` names: a file, or a drawn style."""
    from training.data.procedural_styles import PROCEDURAL_STYLES

    if text in PROCEDURAL_STYLES:
        return PROCEDURAL_STYLES[text](DRAWN_SIDE, 0)
    path = Path(text)
    if not path.is_file():
        known = ", ".join(sorted(PROCEDURAL_STYLES))
        raise UsageError(f"{text}: no such picture, nor a drawn style ({known})")
    picture = _read(path)
    if min(picture.shape[:2]) < SMALLEST_STYLE:
        size = f"{picture.shape[1]}x{picture.shape[0]}"
        raise UsageError(f"{text}: only {size} pixels; a style picture needs {SMALLEST_STYLE}")
    return picture


def as_tensor(picture: NDArray[np.uint8]) -> "Tensor":
    """(H, W, 3) uint8 to (1, 3, H, W) float 0..1."""
    from training.data.tensors import to_tensor

    return to_tensor(picture[None])


def _read(path: Path) -> NDArray[np.uint8]:
    from models.pictures import read_picture

    return read_picture(path)


def _regions(mask: Path, count: int, shape: tuple[int, int]) -> "Tensor":
    from training.optimise.objective.regions import regions_of

    try:
        return regions_of(_read(mask), count, shape)
    except UsageError as error:
        raise UsageError(f"--mask {mask}: {error}") from None
