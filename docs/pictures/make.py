"""Paints the pictures of the docs: python docs/pictures/make.py PICTURE...

The committed ones were made of scikit-image's astronaut (NASA, public domain), coffee, rocket
and chelsea (CC0). The first picture stands alone where there is one only.
"""

import sys
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np
import onnx

from models.blend import blend
from models.card import StyleCard, load_card
from models.catalogue import SHIPPED, style_paths
from models.pictures import read_picture
from realtime.frames.size import Size, live_scale, processing_size
from realtime.inference.backends.registry import make_backend
from training.data.tensors import Picture, shrink_to
from training.reporting.contact_sheet import contact_sheet

HERE = Path(__file__).parent
PAINTED_SIDE = 480
"""Short side at which pictures are painted: about what a webcam gives."""
BLENDED = ("starry-night", "the-scream", "mosaic")
SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
LARGE = Size(1280, 720)


def save(sheet: np.ndarray, name: str) -> None:
    bgr = cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR)
    cv2.imwrite(str(HERE / name), bgr, [cv2.IMWRITE_JPEG_QUALITY, 86])


def paint(card: StyleCard, sources: list[Picture], *, at: Size | None = None) -> list[Picture]:
    backend = make_backend("onnx", "cpu")
    backend.load(card)
    seen = [card.preparation.prepared(source) for source in sources]
    painted = [backend.stylize(picture, at=at) for picture in seen]
    backend.close()
    return painted


def every_style(sources: list[Picture]) -> None:
    rows, labels = [sources], ["as they are"]
    for name, path in style_paths([SHIPPED]).items():
        card = load_card(path)
        rows.append(paint(card, sources))
        labels.append(f"{name}: {card.credit}")
        if name == "starry-night":
            save(contact_sheet([sources, rows[-1]], ["", labels[-1]], height=300), f"{name}.jpg")
    save(contact_sheet(rows, labels, height=220), "styles.jpg")


def blends(source: Picture) -> None:
    """From each style to the next, in quarters of the weights."""
    rows, labels = [], []
    with TemporaryDirectory() as folder:
        for first, second in pairwise(BLENDED):
            row = []
            for share in SHARES:
                cards = [load_card(SHIPPED / f"{name}.onnx") for name in (first, second)]
                path = Path(folder) / "blend.onnx"
                model, _ = blend(cards, [1 - share, share], name="blend")
                onnx.save(model, path)
                row += paint(load_card(path), [source])
            rows.append(row)
            labels.append(f"{first}, a quarter more of {second} each")
    save(contact_sheet(rows, labels, height=220), "blends.jpg")


def both_ways(source: Picture) -> None:
    """1280x720: seen whole by the generator, and at the size of a live run."""
    height = source.shape[1] * LARGE.height // LARGE.width
    large = np.asarray(cv2.resize(source[:height], LARGE, interpolation=cv2.INTER_CUBIC), np.uint8)
    card = load_card(SHIPPED / "starry-night.onnx")
    small = processing_size(LARGE, scale=live_scale(LARGE))
    labels = ["the frame", "painted whole", f"painted at {small.width}x{small.height}, enlarged"]
    rows = [[large], paint(card, [large]), paint(card, [large], at=small)]
    cut = np.s_[60:420, 240:880]
    save(contact_sheet([[row[0][cut]] for row in rows], labels, height=360), "both-ways.jpg")


def main(paths: list[str]) -> None:
    pictures = [read_picture(Path(path)) for path in paths]
    sources = [shrink_to(picture, PAINTED_SIDE) for picture in pictures]
    every_style(sources)
    blends(sources[0])
    both_ways(pictures[0])


if __name__ == "__main__":
    main(sys.argv[1:])
