"""Ten seconds each of a wall, a dark room, a window behind the head and a noisy camera, as live.

python docs/pictures/clips.py astronaut.png --style starry-night -o docs/pictures/clips.jpg

The clips are made of one portrait (the committed sheet: scikit-image's astronaut, NASA, public
domain), with the noise that a webcam has in such light. A row shows the frame, the painting after 5
and after 10 seconds, and AMPLIFIED times what changed between the two last paintings.
"""

from collections.abc import Iterator
from pathlib import Path

import click
import cv2
import numpy as np

from models.card import load_card
from models.catalogue import SHIPPED
from models.pictures import read_picture, write_picture
from realtime.inference.backends.registry import make_backend
from training.data.tensors import Picture
from training.evaluation.artefacts import change_of, grid_peak
from training.evaluation.as_shown import FRAME_RATE, as_shown
from training.reporting.contact_sheet import contact_sheet

WIDTH, HEIGHT = 640, 360
"""At which a 1280x720 camera is painted."""
SECONDS = 10
AMPLIFIED = 8
SHEET_HEIGHT = 240
SWAY = 6.0
"""Pixels by which the head moves to and fro, once in four seconds."""


def portrait(picture: Picture) -> Picture:
    """The upper part of the picture, in a webcam's proportions."""
    height = picture.shape[1] * HEIGHT // WIDTH
    return np.asarray(cv2.resize(picture[:height], (WIDTH, HEIGHT)), np.uint8)


def swaying(picture: Picture, frame: int) -> np.ndarray:
    """The picture moved sideways, as float levels."""
    shift = SWAY * np.sin(2 * np.pi * frame / FRAME_RATE / 4)
    moved = cv2.warpAffine(
        picture,
        np.array([[1, 0, shift], [0, 1, 0]]),
        (WIDTH, HEIGHT),
        borderMode=cv2.BORDER_REPLICATE,
    )
    return moved.astype(np.float32)


def wall(_: Picture, frame: int) -> np.ndarray:
    """A plain wall that is darker to one side."""
    across = np.linspace(205, 165, WIDTH)[None, :, None] + np.linspace(8, -8, HEIGHT)[:, None, None]
    return across * np.array([1.0, 0.97, 0.9])


def dark_room(picture: Picture, frame: int) -> np.ndarray:
    return swaying(picture, frame) * 0.14 + 4


def window(picture: Picture, frame: int) -> np.ndarray:
    """The head before a bright window: white beside it, itself in the shade."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    head = ((x - WIDTH * 0.47) / 190) ** 2 + ((y - HEIGHT * 0.55) / 230) ** 2
    share = np.clip(1.5 - head, 0, 1)[..., None]
    return swaying(picture, frame) * 0.45 * share + 250 * (1 - share)


def noisy(picture: Picture, frame: int) -> np.ndarray:
    return swaying(picture, frame)


CLIPS = {
    "a wall": (wall, 2.0),
    "a dark room": (dark_room, 4.0),
    "a window behind the head": (window, 2.0),
    "a noisy camera": (noisy, 14.0),
}
"""Each with the deviation of its noise, in levels."""


def frames(name: str, picture: Picture) -> Iterator[Picture]:
    light, deviation = CLIPS[name]
    chance = np.random.default_rng(0)
    for number in range(int(SECONDS * FRAME_RATE)):
        clean = light(picture, number)
        noise = chance.normal(0, deviation, (HEIGHT, WIDTH, 3))
        yield np.asarray(np.clip(clean + noise, 0, 255).round(), np.uint8)


def paint_clip(name: str, picture: Picture, style: Path) -> tuple[list[Picture], str]:
    """The row of the sheet, and the figures under which it stands."""
    card = load_card(style)
    backend = make_backend("onnx", "cpu")
    backend.load(card)
    show = as_shown(backend.stylize, card.preparation)
    pairs = ((source, show(source)) for source in frames(name, picture))
    before = after = next(pairs)
    own, painted, middle = [], [], after[1]
    for number, after in enumerate(pairs, 1):
        if number > FRAME_RATE:  # in the first second, the exposure is found
            own.append(float(cv2.absdiff(before[0], after[0]).mean()))
            painted.append(float(cv2.absdiff(before[1], after[1]).mean()))
        if number == SECONDS * FRAME_RATE // 2:
            middle = after[1]
        if number < SECONDS * FRAME_RATE - 1:
            before = after
    backend.close()
    change = np.asarray(np.minimum(cv2.absdiff(before[1], after[1]), 255 // AMPLIFIED), np.uint8)
    figures = (
        f"{name}: from frame to frame the clip changes by {np.mean(own):.1f} levels, the painting "
        f"by {np.mean(painted):.1f}; grid {grid_peak(change_of(*after)):.1f}"
    )
    return [after[0], middle, after[1], change * AMPLIFIED], figures


@click.command()
@click.argument("photo", type=Path)
@click.option("--style", default="starry-night")
@click.option("-o", "--output", "out", type=Path, required=True)
def clips(photo: Path, style: str, out: Path) -> None:
    picture = portrait(read_picture(photo))
    rows, labels = [], []
    for name in CLIPS:
        row, figures = paint_clip(name, picture, SHIPPED / f"{style}.onnx")
        rows.append(row)
        labels.append(figures)
        click.echo(figures)
        # After each: what is painted stays if it is broken off.
        write_picture(out, contact_sheet(rows, labels, height=SHEET_HEIGHT))


if __name__ == "__main__":
    clips()
