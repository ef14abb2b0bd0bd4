"""Writes a picture to a path of the user's choice: checked beforehand, written atomically."""

import os
from pathlib import Path

import cv2

from models.errors import UsageError
from models.system.atomic_file import write_bytes_atomically
from training.data.tensors import Picture

PARAMETERS: dict[str, list[int]] = {
    ".png": [],
    ".jpg": [cv2.IMWRITE_JPEG_QUALITY, 95],
    ".jpeg": [cv2.IMWRITE_JPEG_QUALITY, 95],
    ".webp": [cv2.IMWRITE_WEBP_QUALITY, 95],
}


def check_output_path(path: Path, *, force: bool) -> None:
    """Raise UsageError for a path that `write_picture` could not or should not write to."""
    if path.suffix.lower() not in PARAMETERS:
        what = f"unknown picture format {path.suffix!r}" if path.suffix else "no file ending"
        raise UsageError(f"{path}: {what}; one of: {', '.join(PARAMETERS)}")
    if not path.parent.is_dir():
        raise UsageError(f"{path}: there is no folder {path.parent}; make it first")
    if path.is_dir():
        raise UsageError(f"{path}: is a folder; give the name of a file in it")
    if path.exists() and not force:
        raise UsageError(f"{path}: exists already; --force replaces it")
    if not os.access(path.parent, os.W_OK):
        raise UsageError(f"{path}: the folder {path.parent} is not yours to write to")


def write_picture(path: Path, picture: Picture) -> None:
    """Write (H, W, 3) uint8 RGB in the format of the suffix. Raises TrainingError naming `path`."""
    suffix = path.suffix.lower()
    bgr = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
    _, data = cv2.imencode(suffix, bgr, PARAMETERS[suffix])
    write_bytes_atomically(path, data.tobytes())
