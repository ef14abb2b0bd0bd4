"""Paints the pictures of the docs: python docs/pictures/make.py PICTURE...

The committed ones were made of scikit-image's astronaut (NASA, public domain), coffee, rocket
and chelsea (CC0).
"""

import sys
from pathlib import Path

import cv2
import numpy as np

from models.card import load_card
from models.catalogue import SHIPPED, style_paths
from realtime.backends.choose import make_backend
from training.images import read_rgb, shrink_to
from training.sheet import contact_sheet

HERE = Path(__file__).parent
PAINTED_SIDE = 480
"""Short side at which pictures are painted: about what a webcam gives."""


def save(sheet: np.ndarray, name: str) -> None:
    bgr = cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR)
    cv2.imwrite(str(HERE / name), bgr, [cv2.IMWRITE_JPEG_QUALITY, 86])


def main(paths: list[str]) -> None:
    sources = [shrink_to(read_rgb(Path(path)), PAINTED_SIDE) for path in paths]
    rows, labels = [sources], ["as they are"]
    for name, path in style_paths([SHIPPED]).items():
        card = load_card(path)
        backend = make_backend("onnx", "cpu")
        backend.load(card)
        rows.append([backend.stylize(source) for source in sources])
        labels.append(f"{name}: {card.credit}")
        backend.close()
    save(contact_sheet(rows, labels, height=220), "styles.jpg")
    save(contact_sheet(rows[:2], labels[:2], height=300), "starry-night.jpg")


if __name__ == "__main__":
    main(sys.argv[1:])
