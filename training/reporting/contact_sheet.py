"""Contact sheets: pictures side by side under labels, for a person to look at."""

import textwrap
from dataclasses import dataclass

import cv2
import numpy as np

from training.data.tensors import Picture

GAP = 6
LABEL_HEIGHT = 26
PAPER = 255
INK = (40, 40, 40)
LINE_HEIGHT = 20
LETTER_WIDTH = 9


def contact_sheet(rows: list[list[Picture]], labels: list[str], *, height: int = 240) -> Picture:
    """Rows of pictures (H, W, 3) uint8 RGB, each resized to `height`, one label above each row.

    Each column is as wide as its widest picture; the background is white.
    """
    scaled = [[_to_height(picture, height) for picture in row] for row in rows]
    columns = max(len(row) for row in scaled)
    widths = [
        max(row[column].shape[1] for row in scaled if column < len(row))
        for column in range(columns)
    ]
    total = sum(widths) + GAP * (columns + 1)
    strips = [_strip(row, label, widths, total) for row, label in zip(scaled, labels, strict=True)]
    return np.vstack(strips)


def _to_height(picture: Picture, height: int) -> Picture:
    width = round(picture.shape[1] * height / picture.shape[0])
    method = cv2.INTER_AREA if height < picture.shape[0] else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(picture, (width, height), interpolation=method), np.uint8)


def _strip(row: list[Picture], label: str, widths: list[int], total: int) -> Picture:
    out = np.full((LABEL_HEIGHT + row[0].shape[0] + GAP, total, 3), PAPER, np.uint8)
    at = (GAP, LABEL_HEIGHT - 8)
    cv2.putText(out, label, at, cv2.FONT_HERSHEY_SIMPLEX, 0.5, INK, 1, cv2.LINE_AA)
    left = GAP
    for picture, width in zip(row, widths, strict=False):
        out[LABEL_HEIGHT:-GAP, left : left + picture.shape[1]] = picture
        left += width + GAP
    return out


@dataclass(frozen=True)
class Tile:
    """A picture (None: missing) with a title above and lines of text below."""

    title: str
    picture: Picture | None
    lines: tuple[str, ...]


def tile_sheet(tiles: list[Tile], *, columns: int, width: int, height: int) -> Picture:
    """Tiles in rows on white, each picture fitted into `width` × `height` pixels.

    Titles and lines are wrapped to the width of a tile; all tiles are as high as the highest.
    """
    letters = width // LETTER_WIDTH
    titles = [textwrap.wrap(tile.title, letters) or [""] for tile in tiles]
    texts = [[part for x in tile.lines for part in textwrap.wrap(x, letters)] for tile in tiles]
    above = LINE_HEIGHT * max(map(len, titles)) + GAP
    below = LINE_HEIGHT * max(map(len, texts)) + 2 * GAP
    cell = (above + height + below, width + 2 * GAP)
    rows = -(-len(tiles) // columns)
    out = np.full((rows * cell[0] + GAP, columns * cell[1], 3), PAPER, np.uint8)
    for number, tile in enumerate(tiles):
        top, left = number // columns * cell[0] + GAP, number % columns * cell[1] + GAP
        _write(out, titles[number], left, top)
        if tile.picture is not None:
            fitted = _to_fit(tile.picture, width, height)
            out[top + above :, left:][: fitted.shape[0], : fitted.shape[1]] = fitted
        _write(out, texts[number], left, top + above + height)
    return out


def _to_fit(picture: Picture, width: int, height: int) -> Picture:
    factor = min(width / picture.shape[1], height / picture.shape[0])
    return _to_height(picture, max(1, int(picture.shape[0] * factor)))[:, :width]


def _write(out: Picture, lines: list[str], left: int, top: int) -> None:
    for number, line in enumerate(lines, start=1):
        at = (left, top + number * LINE_HEIGHT - 4)
        cv2.putText(out, line, at, cv2.FONT_HERSHEY_SIMPLEX, 0.45, INK, 1, cv2.LINE_AA)
