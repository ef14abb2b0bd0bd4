"""Pictures as arrays (H, W, 3) uint8 RGB: read from files and written to files.

Loads OpenCV only when a file is read or written.
"""

from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from models.errors import StylecamError, UsageError
from models.system.atomic_file import write_bytes_atomically
from models.system.output_path import check_writable

RGB: TypeAlias = NDArray[np.uint8]
"""A picture (H, W, 3), uint8, RGB, 0..255."""

READ_SUFFIXES = (
    *(".jpg", ".jpeg", ".jpe", ".png", ".webp", ".avif", ".tif", ".tiff", ".bmp", ".dib"),
    *(".jp2", ".hdr", ".pbm", ".pgm", ".ppm", ".pnm"),
)
"""What OpenCV reads as pictures. A .gif may move and is played as a video."""

WRITTEN_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")
QUALITY = 95
"""Of the JPEG and WebP files that are written, from 1 to 100."""


def read_picture(path: Path, *, error: type[StylecamError] = UsageError) -> RGB:
    """Read a picture (H, W, 3) uint8 RGB, upright by its EXIF tag; an alpha channel is dropped.

    Grey and 16-bit pictures are converted. Raises UsageError if there is no such file, and
    `error` if it cannot be read or is not a picture.
    """
    import cv2

    try:
        data = np.frombuffer(path.read_bytes(), np.uint8)
    except FileNotFoundError:
        raise UsageError(f"{path}: no such file") from None
    except OSError as reason:
        raise error(f"{path}: cannot be read ({reason.strerror})") from None
    try:
        # Decoded from memory, because cv2.imread refuses non-ASCII paths on Windows.
        bgr = cv2.imdecode(data, cv2.IMREAD_COLOR) if len(data) else None
    except cv2.error:  # for example a header that promises billions of pixels
        bgr = None
    if bgr is None:
        raise error(f"{path}: not a picture that OpenCV can read, or damaged")
    return np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), np.uint8)


def encode_picture(
    rgb: RGB, suffix: str, *, quality: int = QUALITY, error: type[StylecamError] = StylecamError
) -> bytes:
    """Encode a picture (H, W, 3) in the format of `suffix` (one of WRITTEN_SUFFIXES).

    `quality` (1..100) applies to JPEG and WebP. Raises `error` if the picture is too large for
    the format (a side may have 65,535 pixels in JPEG, 16,383 in WebP).
    """
    import cv2

    options = {
        ".jpg": [cv2.IMWRITE_JPEG_QUALITY, quality],
        ".jpeg": [cv2.IMWRITE_JPEG_QUALITY, quality],
        ".webp": [cv2.IMWRITE_WEBP_QUALITY, quality],
    }
    bgr = cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR)
    try:
        done, data = cv2.imencode(suffix, bgr, options.get(suffix, []))
    except cv2.error:
        done = False
    if not done:
        height, width = rgb.shape[:2]
        raise error(f"a picture of {width}×{height} pixels cannot be encoded as {suffix}")
    return data.tobytes()


def check_suffix(path: Path) -> None:
    """Raise UsageError if the suffix names no format that `write_picture` writes."""
    if path.suffix.lower() not in WRITTEN_SUFFIXES:
        what = f"unknown picture format {path.suffix!r}" if path.suffix else "no file ending"
        raise UsageError(f"{path}: {what}; one of: {', '.join(WRITTEN_SUFFIXES)}")


def check_output_picture(path: Path, *, overwrite: bool) -> None:
    """Raise UsageError for a path that `write_picture` could not, or should not, write to."""
    check_suffix(path)
    if path.is_file() and not overwrite:
        raise UsageError(f"{path}: exists already; --force replaces it")
    check_writable(path)


def write_picture(path: Path, rgb: RGB, *, error: type[StylecamError] = StylecamError) -> None:
    """Write a picture in the format of the path's suffix; the file appears whole or not at all.

    Raises UsageError for an unknown suffix, and `error` if it cannot be written.
    """
    check_suffix(path)
    try:
        data = encode_picture(rgb, path.suffix.lower())
    except StylecamError as reason:
        raise error(f"{path}: {reason}") from None
    write_bytes_atomically(path, data, durable=False, error=error)


def on_white(rgba: NDArray[np.uint8]) -> tuple[RGB, bool]:
    """(H, W, 4) with straight alpha laid on white, and whether any white shows through."""
    alpha = rgba[..., 3:]
    if alpha.min() == 255:
        return rgba[..., :3], False
    levels = alpha.astype(np.uint16)
    mixed = (rgba[..., :3] * levels + 255 * (255 - levels) + 127) // 255
    return mixed.astype(np.uint8), True
