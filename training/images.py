"""Photographs for training: found, decoded in parallel, cut into varied crops.

Every batch is a pure function of seed and step, so a resumed training sees the very pictures
that an unbroken one would have seen.
"""

import logging
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.errors import TrainingError, UsageError

LOGGER = logging.getLogger(__name__)
SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"}
LONGEST_SHORT_SIDE = 400
"""Photographs are kept no larger: crops are far smaller, and memory is finite."""
HELD_OUT_EVERY = 40
FEW = 200

Picture = NDArray[np.uint8]


def read_rgb(path: Path) -> Picture:
    """A picture file as (H, W, 3) uint8 RGB. Raises UsageError naming the file."""
    try:
        data = np.frombuffer(path.read_bytes(), np.uint8)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from None
    picture = cv2.imdecode(data, cv2.IMREAD_COLOR) if len(data) else None
    if picture is None:
        raise UsageError(f"{path}: not a picture that OpenCV can read")
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), np.uint8)


def shrink_to(picture: Picture, side: int, *, longer: bool = False) -> Picture:
    """The picture with its shorter (or longer) side at most `side`; never enlarged."""
    height, width = picture.shape[:2]
    factor = side / (max if longer else min)(height, width)
    if factor >= 1:
        return picture
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)


def to_tensor(pictures: NDArray[np.uint8]) -> Tensor:
    """(B, H, W, 3) uint8 to (B, 3, H, W) float 0..1, channels last in memory."""
    planes = torch.from_numpy(np.ascontiguousarray(pictures)).permute(0, 3, 1, 2)
    return planes.float().div_(255).contiguous(memory_format=torch.channels_last)


def to_picture(planes: Tensor) -> Picture:
    """(3, H, W) float to (H, W, 3) uint8, clipped to 0..1 and rounded."""
    levels = (planes.detach().clamp(0, 1) * 255).round().byte()
    return levels.permute(1, 2, 0).contiguous().numpy()


class Photographs:
    """All usable pictures of a folder, in memory; some are held out for previews and reports."""

    def __init__(self, folder: Path) -> None:
        """Raises UsageError for a missing folder, TrainingError for one without pictures."""
        if not folder.is_dir():
            raise UsageError(f"{folder}: no such folder of photographs")
        paths = sorted(p for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES)
        with ThreadPoolExecutor() as pool:
            loaded = list(pool.map(_load_or_none, paths))
        pictures = [picture for picture in loaded if picture is not None]
        self.skipped = len(paths) - len(pictures)
        if self.skipped:
            LOGGER.warning("%s: skipped %d unreadable pictures", folder, self.skipped)
        if not pictures:
            raise TrainingError(f"{folder}: no pictures in it ({', '.join(sorted(SUFFIXES))})")
        if len(pictures) < FEW:
            LOGGER.warning(
                "%s: only %d pictures; the style may fail on what they do not show (%d is good)",
                folder,
                len(pictures),
                5 * FEW,
            )
        enough = len(pictures) > HELD_OUT_EVERY
        self.held_out = pictures[::HELD_OUT_EVERY] if enough else pictures[:1]
        self.training = (
            [p for i, p in enumerate(pictures) if i % HELD_OUT_EVERY] if enough else pictures
        )

    def batch(self, *, seed: int, step: int, batch_size: int, crop: int) -> Tensor:
        """The crops of one step: (B, 3, crop, crop) float 0..1, all varied at random."""
        random = np.random.default_rng([seed, step])
        chosen = random.integers(len(self.training), size=batch_size)
        crops = [vary(cut(self.training[i], crop, random), random) for i in chosen]
        return to_tensor(np.stack(crops))

    def batches(
        self, *, seed: int, start: int, batch_size: int, crop: int
    ) -> Generator[Tensor, None, None]:
        """Batches from step `start` on, without end; the next is cut while one is in use."""
        with ThreadPoolExecutor(max_workers=1) as pool:
            step = start

            def cut_next() -> Tensor:
                return self.batch(seed=seed, step=step, batch_size=batch_size, crop=crop)

            coming = pool.submit(cut_next)
            while True:
                ready = coming.result()
                step += 1
                coming = pool.submit(cut_next)
                yield ready


def _load_or_none(path: Path) -> Picture | None:
    try:
        return shrink_to(read_rgb(path), LONGEST_SHORT_SIDE)
    except UsageError as error:
        LOGGER.info("%s", error)
        return None


def cut(picture: Picture, crop: int, random: np.random.Generator) -> Picture:
    """A square of random place and scale, as (crop, crop, 3): from all of the short side
    down to half of `crop` enlarged, so that faces of every size are seen."""
    height, width = picture.shape[:2]
    largest = min(height, width)
    smallest = min(largest, max(8, int(crop * 0.75)))
    side = int(random.integers(smallest, largest + 1))
    top, left = random.integers(height - side + 1), random.integers(width - side + 1)
    square = picture[top : top + side, left : left + side]
    method = cv2.INTER_AREA if side > crop else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(square, (crop, crop), interpolation=method), np.uint8)


def vary(picture: Picture, random: np.random.Generator) -> Picture:
    """Flip, exposure, colour and, at times, the blur and noise of a cheap webcam."""
    if random.random() < 0.5:
        picture = picture[:, ::-1]
    levels = picture.astype(np.float32) / 255
    levels **= np.float32(random.uniform(0.75, 1.35))
    levels *= (random.uniform(0.85, 1.1) * random.uniform(0.94, 1.06, 3)).astype(np.float32)
    if random.random() < 0.2:
        levels = np.asarray(cv2.GaussianBlur(levels, (0, 0), random.uniform(0.4, 1.2)), np.float32)
    if random.random() < 0.3:
        noise = random.standard_normal(levels.shape, np.float32)
        levels = levels + noise * np.float32(random.uniform(0.005, 0.03))
    return (levels * 255).clip(0, 255).round().astype(np.uint8)
