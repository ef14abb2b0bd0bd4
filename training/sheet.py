"""Contact sheets: pictures side by side under labels, to be looked at."""

import cv2
import numpy as np

from training.images import Picture

GAP = 6
LABEL_HEIGHT = 26
PAPER = 255
INK = (40, 40, 40)


def contact_sheet(rows: list[list[Picture]], labels: list[str], *, height: int = 240) -> Picture:
    """Rows of pictures (H, W, 3) uint8 RGB, each brought to `height`, one label above each row.

    Columns are aligned by the widest picture in each; the paper is white.
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
