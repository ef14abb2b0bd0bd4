"""Picture files as RGB: upright, in sRGB, without transparency. Uses Pillow, and OpenCV where
Pillow does not know a format.
"""

import io
import logging
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.picture_formats.sixteen_bits import RGB16, decode_deep, decode_rare_tiff

log = logging.getLogger(__name__)

PILLOW_FORMATS = (
    *("PNG", "JPEG", "WEBP", "AVIF", "GIF", "TIFF", "BMP", "DIB"),
    *("ICO", "PCX", "PPM", "JPEG2000"),
)
"""What a file's first bytes tell surely. TGA has no such bytes: it goes by its name, too."""
TGA_SUFFIXES = (".tga", ".icb", ".vda", ".vst")

MOST_PIXELS = 1 << 30
HEIC_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"})
AVIF_BRANDS = frozenset({b"avif", b"avis"})


class UndecodableError(Exception):
    """A picture that cannot be decoded; the text says why, without the file's name."""


def decode_picture(data: bytes, *, name: str) -> NDArray[np.uint8] | RGB16:
    """The picture (H, W, 3) RGB in `data`, which was read from the file called `name`.

    uint8, or uint16 if a PNG or TIFF holds 16 bits a channel. It is turned as its EXIF tag says,
    converted to sRGB by its ICC profile, and laid on white where it is transparent (with a
    warning). Of several pictures the first is taken, with a warning. Raises UndecodableError.
    """
    refuse_unsupported(data[:4096])
    try:
        image = open_image(io.BytesIO(data), name)
        if image is None:
            rare = decode_rare_tiff(data, name=name)
            return _by_opencv(data) if rare is None else rare
        if image.format == "TIFF" and getattr(image, "n_frames", 1) > 1:
            log.warning("%s: has %d pages; the first is taken", name, image.n_frames)
        deep = decode_deep(image, data, name=name)
        return flat_rgb(image, name=name) if deep is None else deep
    except UndecodableError:
        raise
    except Exception as error:  # Pillow's plug-ins raise what they like
        raise UndecodableError(f"damaged or cut off ({error})") from None


def refuse_unsupported(head: bytes) -> None:
    """Raise UndecodableError with a remedy for kinds of pictures that stylecam cannot read."""
    if is_heic(head):
        raise UndecodableError("HEIC pictures are not supported; save it as JPEG or PNG first")
    if is_svg(head):
        raise UndecodableError("SVG drawings are not supported; export it as PNG first")


def is_heic(head: bytes) -> bool:
    if head[4:8] != b"ftyp":
        return False
    size = int.from_bytes(head[:4], "big")
    brands = {head[at : at + 4] for at in (8, *range(16, min(size, len(head)), 4))}
    return head[8:12] in HEIC_BRANDS and not brands & AVIF_BRANDS


def is_svg(head: bytes) -> bool:
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return text.startswith(b"<svg") or (text.startswith((b"<?xml", b"<!")) and b"<svg" in text)


def open_image(file: Any, name: str) -> Any:
    """The Pillow image in a file, of which only the beginning is read; None if it is none."""
    from PIL import Image, UnidentifiedImageError

    Image.MAX_IMAGE_PIXELS = MOST_PIXELS
    formats = [*PILLOW_FORMATS, *(["TGA"] if name.lower().endswith(TGA_SUFFIXES) else [])]
    try:
        return Image.open(file, formats=formats)
    except UnidentifiedImageError:
        return None
    except Image.DecompressionBombError:
        raise UndecodableError("larger than a billion pixels") from None


def flat_rgb(image: Any, *, name: str, warned: bool = False) -> NDArray[np.uint8]:
    """A Pillow image as `decode_picture` describes; `warned` says that white is known of."""
    from PIL import ImageOps

    image.load()
    image = ImageOps.exif_transpose(image)
    profile = image.info.get("icc_profile")
    image = _eight_bits(image)
    if not (image.has_transparency_data or image.mode in ("RGBa", "La")):
        return np.array(_in_srgb(image, profile, name))
    rgba = image.convert("RGBA")
    flat, any_white = on_white(np.array(rgba))
    if not any_white:
        return np.array(_in_srgb(rgba.convert("RGB"), profile, name))
    if not warned:
        log.warning("%s: its transparent parts become white", name)
    converted = np.array(_in_srgb(rgba.convert("RGB"), profile, name))
    return on_white(np.dstack([converted, np.array(rgba)[..., 3]]))[0] if profile else flat


def _eight_bits(image: Any) -> Any:
    """Grey of more than 8 bits, which Pillow would clip, as 8 bits."""
    from PIL import Image

    if not image.mode.startswith(("I", "F")):
        return image
    levels = np.asarray(image, np.float64)
    if image.mode == "F":
        levels = levels * 255 if levels.max(initial=0) <= 1 else levels
    else:
        levels = levels / 257
    return Image.fromarray(np.rint(np.clip(levels, 0, 255)).astype(np.uint8))


def _in_srgb(image: Any, profile: bytes | None, name: str) -> Any:
    from PIL import ImageCms

    if image.mode not in ("RGB", "L", "CMYK", "LAB"):
        image = image.convert("RGB")
    if profile:
        try:
            own = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            if "srgb" not in ImageCms.getProfileDescription(own).lower():
                srgb = ImageCms.createProfile("sRGB")
                return ImageCms.profileToProfile(image, own, srgb, outputMode="RGB")
        except (ImageCms.PyCMSError, OSError, ValueError):
            log.warning("%s: its colour profile cannot be used and is left out", name)
    return image.convert("RGB")


def on_white(rgba: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], bool]:
    """(H, W, 4) with straight alpha laid on white, and whether any white shows through."""
    alpha = rgba[..., 3:]
    if alpha.min(initial=255) == 255:
        return rgba[..., :3], False
    levels = alpha.astype(np.uint16)
    mixed = (rgba[..., :3] * levels + 255 * (255 - levels) + 127) // 255
    return mixed.astype(np.uint8), True


def _by_opencv(data: bytes) -> NDArray[np.uint8]:
    import cv2

    try:
        bgr = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if data else None
    except cv2.error:  # for example a header that promises billions of pixels
        bgr = None
    if bgr is None:
        raise UndecodableError("not a picture that can be read, or damaged")
    return np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), np.uint8)
