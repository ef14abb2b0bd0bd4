"""PNG and TIFF files of 16 bits a channel, read and written without losing any. Uses OpenCV for
the pixels, Pillow for what the file says of them.
"""

import io
import logging
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from models.picture_formats.icc_profile import UnsupportedProfileError, to_srgb16

log = logging.getLogger(__name__)

RGB16 = NDArray[np.uint16]
"""A picture (H, W, 3), uint16, RGB, 0..65535."""

AnyRGB = TypeVar("AnyRGB", NDArray[np.uint8], NDArray[np.uint16])
"""For functions that give back pictures as deep as those they get."""

BITS_PER_SAMPLE, PHOTOMETRIC, PLANES, EXTRA_SAMPLES = 258, 262, 284, 338
WHITE_IS_ZERO, BLACK_IS_ZERO, AS_RGB, SEPARATE, ASSOCIATED_ALPHA = 0, 1, 2, 2, 1
ORIENTATION = 274
PNG_DEPTH_AT = 24
"""Where the header of a PNG says how many bits a channel has."""


def eight_bits(picture: NDArray[np.uint8] | RGB16) -> NDArray[np.uint8]:
    """The picture itself, or the nearest levels of 8 bits."""
    if picture.dtype == np.uint8:
        return picture.astype(np.uint8, copy=False)
    return ((picture.astype(np.uint32) + 128) // 257).astype(np.uint8)


def sixteen_bits(rgb: NDArray[np.uint8]) -> RGB16:
    """The same levels in the range of 16 bits."""
    return rgb.astype(np.uint16) * np.uint16(257)


def quantized(levels: NDArray[np.float32], bits: int) -> NDArray[np.uint8] | RGB16:
    """Levels 0..1 (clipped) at 8 or 16 bits."""
    if bits == 16:
        return np.rint(levels.clip(0, 1) * 65535).astype(np.uint16)
    return np.rint(levels.clip(0, 1) * 255).astype(np.uint8)


def decode_deep(image: Any, data: bytes, *, name: str) -> RGB16 | None:
    """The picture (H, W, 3) in `data`, which Pillow opened as `image`; None if this cannot be done.

    None means fewer than 16 bits, or a kind that OpenCV does not read (CMYK). Otherwise the picture
    is upright, in sRGB, and on white where it is transparent.
    """
    if not _is_deep(image, data):
        return None
    tags = getattr(image, "tag_v2", {})
    planes = tags.get(PLANES) == SEPARATE
    stored = _from_planes(data) if planes else _by_opencv(data)
    if stored is None or stored.dtype != np.uint16:
        return None
    if tags.get(PHOTOMETRIC) == WHITE_IS_ZERO:
        stored = 65535 - stored
    grey = stored.ndim == 2
    pixels = stored if grey else np.ascontiguousarray(stored[..., :3])
    try:
        rgb = _in_srgb(pixels, image.info.get("icc_profile"))
    except UnsupportedProfileError as reason:
        log.warning("%s: its colour profile (%s) is followed at 8 bits only", name, reason)
        return None
    if not grey and stored.shape[2] == 4:
        premultiplied = ASSOCIATED_ALPHA in _all(tags.get(EXTRA_SAMPLES))
        rgb = _on_white(rgb, stored[..., 3:], name, premultiplied=premultiplied)
    # OpenCV turns a TIFF upright by itself, but not what it reads unchanged of a PNG.
    turn = image.getexif().get(ORIENTATION, 1) if planes or image.format == "PNG" else 1
    return np.ascontiguousarray(_upright(rgb, turn))


def decode_rare_tiff(data: bytes, *, name: str) -> RGB16 | None:
    """The picture (H, W, 3) in a TIFF that Pillow does not know: grey with alpha, or floats 0..1.

    None if `data` is no such TIFF.
    """
    import tifffile

    if data[:4] not in (b"II*\0", b"MM\0*"):
        return None
    try:
        with tifffile.TiffFile(io.BytesIO(data)) as file:
            page = file.pages.first
            stored, extra = page.asarray(), ASSOCIATED_ALPHA in page.extrasamples
            photometric, turn = int(page.photometric), page.tags.get(ORIENTATION)
    except Exception:  # what it cannot read, it says in many ways
        return None
    if stored.dtype.kind == "f":
        stored = quantized(np.nan_to_num(stored.astype(np.float32)), 16)
    if stored.dtype == np.uint8:
        stored = sixteen_bits(stored)
    if photometric not in (BLACK_IS_ZERO, AS_RGB) or stored.dtype != np.uint16:
        return None
    stored = stored[..., None] if stored.ndim == 2 else stored
    colours = 3 if photometric == AS_RGB else 1
    if stored.shape[2] not in (colours, colours + 1):
        return None
    rgb = np.broadcast_to(stored[..., :colours], (*stored.shape[:2], 3))
    if stored.shape[2] > colours:
        rgb = _on_white(rgb, stored[..., colours:], name, premultiplied=extra)
    return np.ascontiguousarray(_upright(rgb, int(turn.value) if turn is not None else 1))


def _by_opencv(data: bytes) -> Any:
    """The pixels of `data` as they are stored, RGB(A) or grey; None if OpenCV reads none."""
    import cv2

    try:
        stored = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:
        return None
    if stored is None or stored.ndim == 2:
        return stored
    return stored[..., [2, 1, 0, 3][: stored.shape[2]]]


def _from_planes(data: bytes) -> Any:
    """The pixels of a TIFF whose channels lie apart, which OpenCV and Pillow garble."""
    import tifffile

    stored = tifffile.imread(io.BytesIO(data), key=0)
    return np.moveaxis(stored, 0, -1) if stored.ndim == 3 else stored


def _is_deep(image: Any, data: bytes) -> bool:
    if image.format == "PNG":
        # A colour key (tRNS) is rare, and left to Pillow, which knows it only at 8 bits.
        return data[PNG_DEPTH_AT] == 16 and "transparency" not in image.info
    if image.format != "TIFF":
        return False
    tags = image.tag_v2
    return set(_all(tags.get(BITS_PER_SAMPLE))) == {16} and tags.get(PHOTOMETRIC) in (
        WHITE_IS_ZERO,
        BLACK_IS_ZERO,
        AS_RGB,
    )


def _all(value: Any) -> tuple[int, ...]:
    """What a tag of TIFF holds: Pillow gives one number, several, or None."""
    if value is None:
        return ()
    return tuple(value) if isinstance(value, tuple) else (value,)


def _in_srgb(pixels: NDArray[np.uint16], profile: bytes | None) -> RGB16:
    if profile and not is_srgb(profile):
        return to_srgb16(pixels, profile)
    return np.repeat(pixels[..., None], 3, axis=2) if pixels.ndim == 2 else pixels


def is_srgb(profile: bytes) -> bool:
    from PIL import ImageCms

    try:
        own = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        return "srgb" in ImageCms.getProfileDescription(own).lower()
    except (ImageCms.PyCMSError, OSError, ValueError):
        raise UnsupportedProfileError("damaged") from None


def _on_white(rgb: RGB16, alpha: NDArray[np.uint16], name: str, *, premultiplied: bool) -> RGB16:
    if alpha.min(initial=65535) == 65535:
        return rgb
    log.warning("%s: its transparent parts become white", name)
    levels = alpha.astype(np.uint32)
    own = rgb.astype(np.uint32) * (65535 if premultiplied else levels)
    mixed = (own + 65535 * (65535 - levels) + 32767) // 65535
    return np.minimum(mixed, 65535).astype(np.uint16)


def _upright(rgb: RGB16, orientation: int) -> RGB16:
    """Turned and mirrored as EXIF's orientation, 1 to 8, says."""
    if orientation >= 5:
        rgb = rgb.swapaxes(0, 1)
    flip_y, flip_x = orientation in (3, 4, 7, 8), orientation in (2, 3, 6, 7)
    return rgb[:: -1 if flip_y else 1, :: -1 if flip_x else 1]


def encode_tiff(rgb: NDArray[np.uint8] | RGB16) -> bytes:
    """A TIFF of the bits that `rgb` (H, W, 3) has, with an sRGB profile.

    OpenCV writes none into a TIFF, and Pillow none of 16 bits.
    """
    import tifffile

    buffer = io.BytesIO()
    profile = srgb_profile()
    tifffile.imwrite(
        buffer, rgb, photometric="rgb", compression="zlib", iccprofile=profile, metadata=None
    )
    return buffer.getvalue()


def srgb_profile() -> bytes:
    from PIL import ImageCms

    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
