"""Pictures as arrays (H, W, 3) uint8 RGB, or uint16: read from files and written to files.

Loads OpenCV only when a file is read or written.
"""

from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from models.errors import StylecamError, UsageError
from models.picture_formats.decoding import UndecodableError, decode_picture
from models.picture_formats.sixteen_bits import RGB16, eight_bits, encode_tiff, srgb_profile
from models.system.atomic_file import write_bytes_atomically
from models.system.output_path import check_writable

RGB: TypeAlias = NDArray[np.uint8]
"""A picture (H, W, 3), uint8, RGB, 0..255."""

READ_SUFFIXES = (
    *(".jpg", ".jpeg", ".jpe", ".png", ".webp", ".avif", ".tif", ".tiff", ".bmp", ".dib"),
    *(".jp2", ".hdr", ".pbm", ".pgm", ".ppm", ".pnm", ".tga", ".ico", ".pcx", ".gif"),
)
"""The endings of the pictures that folders are searched for."""

DEPTHS: dict[str, tuple[int, ...]] = {
    ".png": (8, 16),
    ".jpg": (8,),
    ".jpeg": (8,),
    ".webp": (8,),
    ".tif": (8, 16),
    ".tiff": (8, 16),
}
"""The endings of the pictures that are written, and the bits a channel that each can hold."""
WRITTEN_SUFFIXES = tuple(DEPTHS)
LARGEST_SIDE = {".webp": 16383, ".jpg": 65500, ".jpeg": 65500}
"""Pixels; libjpeg stops somewhat before the 65,535 of the format."""
QUALITY = 95
"""Of the JPEG and WebP files that are written, from 1 to 100."""


def read_picture(path: Path, *, error: type[StylecamError] = UsageError) -> RGB:
    """Read a picture (H, W, 3) uint8 RGB: upright, in sRGB, transparent parts on white.

    Grey and 16-bit pictures are converted. Raises UsageError if there is no such file, and
    `error` if it cannot be read or is not a picture.
    """
    return eight_bits(read_deep_picture(path, error=error))


def read_deep_picture(path: Path, *, error: type[StylecamError] = UsageError) -> RGB | RGB16:
    """Like `read_picture`, but uint16 if the file (PNG, TIFF) holds 16 bits a channel."""
    try:
        return decode_picture(path.read_bytes(), name=str(path))
    except FileNotFoundError:
        raise UsageError(f"{path}: no such file") from None
    except UndecodableError as reason:
        raise error(f"{path}: {reason}") from None
    except OSError as reason:
        raise error(f"{path}: cannot be read ({reason.strerror})") from None


def encode_picture(
    rgb: RGB | RGB16,
    suffix: str,
    *,
    quality: int = QUALITY,
    tagged: bool = False,
    error: type[StylecamError] = StylecamError,
) -> bytes:
    """Encode a picture (H, W, 3) in the format of `suffix` (one of WRITTEN_SUFFIXES).

    uint16 stays so where the format has 16 bits, and becomes the nearest 8 bits elsewhere.
    `quality` (1..100) applies to JPEG and WebP; `tagged` adds sRGB's profile (a TIFF always has
    it). Raises `error` if the picture is too large for the format (a side may have 65,535 pixels
    in JPEG, 16,383 in WebP).
    """
    import cv2

    if suffix in (".tif", ".tiff"):
        return encode_tiff(rgb)
    options = {
        ".jpg": [cv2.IMWRITE_JPEG_QUALITY, quality],
        ".jpeg": [cv2.IMWRITE_JPEG_QUALITY, quality],
        ".webp": [cv2.IMWRITE_WEBP_QUALITY, quality],
    }
    bgr = cv2.cvtColor(rgb if 16 in DEPTHS[suffix] else eight_bits(rgb), cv2.COLOR_RGB2BGR)
    try:
        if tagged:
            kinds = [cv2.IMAGE_METADATA_ICCP]
            profile = np.frombuffer(srgb_profile(), np.uint8)
            done, data = cv2.imencodeWithMetadata(
                suffix, bgr, kinds, [profile], options.get(suffix, [])
            )
        else:
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


def check_size(path: Path, width: int, height: int) -> None:
    """Raise UsageError if the format of the suffix has no room for a picture of that size."""
    most = LARGEST_SIDE.get(path.suffix.lower())
    if most is not None and max(width, height) > most:
        raise UsageError(
            f"{path}: {width}x{height} is too large for {path.suffix} (at most {most} a side); "
            "write .png"
        )


def check_output_picture(path: Path, *, overwrite: bool, bits: int | None = None) -> None:
    """Raise UsageError for a path that `write_picture` could not, or should not, write to.

    `bits` a channel are what is going to be written, if that is known.
    """
    check_suffix(path)
    if bits is not None and bits not in DEPTHS[path.suffix.lower()]:
        raise UsageError(f"{path}: this format has no {bits} bits a channel; .png and .tif do")
    if path.is_file() and not overwrite:
        raise UsageError(f"{path}: exists already; --force replaces it")
    check_writable(path)


def write_picture(
    path: Path,
    rgb: RGB | RGB16,
    *,
    quality: int = QUALITY,
    error: type[StylecamError] = StylecamError,
) -> None:
    """Write a picture in the format of the path's suffix, with sRGB's profile.

    The file appears whole or not at all.
    Raises UsageError for an unknown suffix, and `error` if it cannot be written.
    """
    check_suffix(path)
    try:
        data = encode_picture(rgb, path.suffix.lower(), quality=quality, tagged=True)
    except StylecamError as reason:
        raise error(f"{path}: {reason}") from None
    write_bytes_atomically(path, data, durable=False, error=error)
