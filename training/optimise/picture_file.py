"""Picture files at full quality: read with their colour profile, written with 8 or 16 bits.

A path to write to is checked beforehand, and written atomically.
"""

import io
import logging
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageOps

from models.errors import UsageError
from models.pictures import read_picture
from models.system.atomic_file import write_bytes_atomically
from models.system.output_path import check_writable
from training.data.tensors import Picture

LOGGER = logging.getLogger(__name__)
Levels = NDArray[np.float32]
"""(H, W, 3) float32 sRGB, 0..1."""

QUALITY = 95
DEPTHS: dict[str, tuple[int, ...]] = {
    ".png": (8, 16),
    ".tif": (16, 8),
    ".tiff": (16, 8),
    ".jpg": (8,),
    ".jpeg": (8,),
    ".webp": (8,),
}
"""File endings, and the bits per channel that the format can hold; the first is its default."""
PAPER = (255, 255, 255)
"""What shows through where a picture is transparent."""


def check_output_path(path: Path, *, force: bool, bits: int | None = None) -> None:
    """Raise UsageError for a path that `write_picture` could not or should not write to."""
    if path.suffix.lower() not in DEPTHS:
        what = f"unknown picture format {path.suffix!r}" if path.suffix else "no file ending"
        raise UsageError(f"{path}: {what}; one of: {', '.join(DEPTHS)}")
    if bits is not None and bits not in DEPTHS[path.suffix.lower()]:
        raise UsageError(f"{path}: this format has no {bits} bits a channel; .png and .tif do")
    if path.is_file() and not force:
        raise UsageError(f"{path}: exists already; --force replaces it")
    check_writable(path)


def read_srgb(path: Path) -> Picture:
    """A picture file as (H, W, 3) uint8 sRGB: upright by its EXIF tag, converted by its profile.

    Transparent parts are laid on white; one line in the log says so. Raises UsageError naming the
    file.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise UsageError(f"{path}: no such file") from None
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror})") from None
    try:
        with Image.open(io.BytesIO(data)) as opened:
            opened.load()
            upright = ImageOps.exif_transpose(opened)
    except Image.DecompressionBombError:
        raise UsageError(f"{path}: more pixels than can be painted") from None
    except (OSError, ValueError, SyntaxError, struct.error, Image.DecompressionBombWarning):
        return read_picture(path)  # a 16-bit TIFF, for one, which only OpenCV reads
    return np.array(_flattened(_to_srgb(_to_eight_bits(upright), path), path))


def _to_eight_bits(image: Image.Image) -> Image.Image:
    """Grey of more than 8 bits, which Pillow would clip, as 8 bits; others unchanged."""
    if not image.mode.startswith(("I", "F")):
        return image
    values = np.asarray(image, np.float64)
    scaled = values / 65535 if values.max(initial=0) > 255 else values / 255
    return Image.fromarray((scaled.clip(0, 1) * 255).round().astype(np.uint8))


def _to_srgb(image: Image.Image, path: Path) -> Image.Image:
    """Converted from the embedded profile to sRGB, with its alpha if it has one."""
    profile = image.info.get("icc_profile")
    clear = image.has_transparency_data
    target = "RGBA" if clear else "RGB"
    if not profile:
        return image.convert(target)
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        alpha = image.convert("RGBA").getchannel("A") if clear else None
        if image.mode not in ("RGB", "CMYK", "L"):
            image = image.convert("RGB")
        converted = ImageCms.profileToProfile(
            image, source, ImageCms.createProfile("sRGB"), outputMode="RGB"
        )
    except (ImageCms.PyCMSError, OSError):
        LOGGER.warning("%s: its colour profile is damaged; taken as sRGB", path)
        return image.convert(target)
    assert converted is not None
    if alpha is not None:
        converted.putalpha(alpha)
    return converted


def _flattened(image: Image.Image, path: Path) -> Image.Image:
    if image.mode != "RGBA":
        return image
    if image.getchannel("A").getextrema() != (255, 255):
        LOGGER.warning("%s: its transparent parts are laid on white", path)
    paper = Image.new("RGBA", image.size, (*PAPER, 255))
    return Image.alpha_composite(paper, image).convert("RGB")


def write_picture(path: Path, picture: Levels | Picture, *, bits: int | None = None) -> None:
    """Write (H, W, 3), float 0..1 or uint8, in the format of the suffix, with an sRGB profile.

    `bits` a channel; None: the format's default. Raises TrainingError naming `path`.
    """
    suffix = path.suffix.lower()
    deep = (bits or DEPTHS[suffix][0]) == 16
    most = 65535 if deep else 255
    levels = picture / np.float32(255) if picture.dtype == np.uint8 else picture
    values: NDArray[np.unsignedinteger]
    values = (levels.clip(0, 1) * most).round().astype(np.uint16 if deep else np.uint8)
    if suffix in (".tif", ".tiff"):
        data = _tiff(values)
    elif deep:
        data = _deep_png(values)
    else:
        buffer = io.BytesIO()
        kinds = {".png": "PNG", ".webp": "WEBP"}
        Image.fromarray(values).save(
            buffer, kinds.get(suffix, "JPEG"), quality=QUALITY, icc_profile=srgb_profile()
        )
        data = buffer.getvalue()
    write_bytes_atomically(path, data)


def srgb_profile() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def _tiff(values: NDArray[np.unsignedinteger]) -> bytes:
    import tifffile

    buffer = io.BytesIO()
    tifffile.imwrite(
        buffer, values, photometric="rgb", compression="zlib", iccprofile=srgb_profile()
    )
    return buffer.getvalue()


def _deep_png(values: NDArray[np.unsignedinteger]) -> bytes:
    """A PNG of 16 bits, which Pillow cannot write, with the profile as its second chunk."""
    done, encoded = cv2.imencode(".png", cv2.cvtColor(values, cv2.COLOR_RGB2BGR))
    assert done
    data = encoded.tobytes()
    after_header = 8 + 25  # the signature, and the header chunk of fixed size
    body = b"iCCP" + b"sRGB\0\0" + zlib.compress(srgb_profile())
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    return data[:after_header] + chunk + data[after_header:]
