"""A preview of a training: held-out photographs, painted with its averaged weights."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch

from models.errors import TrainingError
from models.generator.network import Generator
from models.pictures import write_picture
from models.preparation import Preparation
from training.data.photographs import Photographs
from training.data.tensors import Picture, to_picture, to_tensor
from training.evaluation.defects import GeneratorDefects, find_defects

PREVIEWS = 6
PREVIEW_SIDE = 256


@dataclass(frozen=True)
class Preview:
    """Photographs and their paintings, in the same order, each (256, 256, 3) uint8 RGB."""

    photographs: list[Picture]
    paintings: list[Picture]

    @property
    def sheet(self) -> Picture:
        """The photographs above, painted below: (512, 256 N, 3) uint8 RGB."""
        return np.vstack([np.hstack(self.photographs), np.hstack(self.paintings)])

    def write(self, path: Path) -> None:
        """Write the sheet as a PNG. Raises TrainingError if it cannot be written."""
        write_picture(path, self.sheet, error=TrainingError)

    def find_defects(self, styles: Sequence[Picture]) -> GeneratorDefects:
        return find_defects(self.photographs, self.paintings, styles)


@torch.no_grad()
def paint_preview(
    generator: Generator, photographs: Photographs, preparation: Preparation
) -> Preview:
    """The largest upper-left square of each held-out photograph but the first, and its painting.

    The first is used only if there is no other. `preparation`: what the generator expects to be
    done to pictures first."""
    squares, paintings = [], []
    for photo in photographs.held_out[1 : 1 + PREVIEWS] or photographs.held_out[:1]:
        side = min(photo.shape[:2])
        square = np.ascontiguousarray(photo[:side, :side])
        square = np.asarray(cv2.resize(square, (PREVIEW_SIDE,) * 2), np.uint8)
        squares.append(square)
        seen = preparation.prepared(square)
        paintings.append(to_picture(generator(to_tensor(seen[None]))[0]))
    return Preview(squares, paintings)
