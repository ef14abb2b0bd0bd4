"""ICC profiles of pictures of 16 bits a channel, whose conversion Pillow cannot do. Pure.

It follows ICC.1:2022 for profiles of curves and a matrix, which is what cameras, scanners and
editors write (sRGB, Display P3, Adobe RGB, ProPhoto), and for grey ones.
"""

import struct

import numpy as np
from numpy.typing import NDArray

LEVELS = 65536
SRGB_COLORANTS = np.array(
    [
        [0.4360657, 0.3851515, 0.1430784],
        [0.2224932, 0.7168870, 0.0606169],
        [0.0139160, 0.0970764, 0.7140961],
    ]
)
"""The columns are sRGB's red, green and blue, as XYZ under D50."""
ROWS = 128
"""Lines that are converted at a time, so that a large picture needs no large copies."""


class UnsupportedProfileError(Exception):
    """A profile that is damaged, or of another kind (lookup tables)."""


def to_srgb16(pixels: NDArray[np.uint16], profile: bytes) -> NDArray[np.uint16]:
    """(H, W, 3), or (H, W) with a profile of grey, as (H, W, 3) sRGB. Raises
    UnsupportedProfileError.
    """
    tags = _tags(profile)
    if pixels.ndim == 2:
        grey = _encoded(_curve(_tag(tags, b"kTRC")))
        return np.repeat(grey[pixels][..., None], 3, axis=2)
    if b"A2B0" in tags:
        raise UnsupportedProfileError("lookup tables")
    curves = [_curve(_tag(tags, name)) for name in (b"rTRC", b"gTRC", b"bTRC")]
    own = np.column_stack([_xyz(_tag(tags, name)) for name in (b"rXYZ", b"gXYZ", b"bXYZ")])
    matrix = (np.linalg.inv(SRGB_COLORANTS) @ own).astype(np.float32)
    encoded = _encoded(np.linspace(0, 1, LEVELS, dtype=np.float32))
    out = np.empty_like(pixels)
    for top in range(0, len(pixels), ROWS):
        rows = pixels[top : top + ROWS]
        linear = np.stack([curves[c][rows[..., c]] for c in range(3)], axis=-1)
        linear = (linear @ matrix.T).clip(0, 1)
        # In steps of light, the darkest levels would be too coarse: the root makes room for them.
        out[top : top + ROWS] = encoded_light(linear, encoded)
    return out


def encoded_light(linear: NDArray[np.float32], table: NDArray[np.uint16]) -> NDArray[np.uint16]:
    """Light 0..1 as sRGB of 16 bits: by the formula where it is dark, by `table` elsewhere."""
    out = table[np.rint(linear * (LEVELS - 1)).astype(np.int32)]
    dark = linear < 0.05
    out[dark] = _encoded(linear[dark])
    return out


def _encoded(linear: NDArray[np.float32]) -> NDArray[np.uint16]:
    """sRGB's transfer function, 0..1 to 16 bits."""
    clipped = linear.astype(np.float64).clip(0, 1)
    curve = np.where(clipped <= 0.0031308, 12.92 * clipped, 1.055 * clipped ** (1 / 2.4) - 0.055)
    return np.rint(curve * (LEVELS - 1)).astype(np.uint16)


def _tags(profile: bytes) -> dict[bytes, bytes]:
    try:
        (count,) = struct.unpack_from(">I", profile, 128)
        entries = [
            struct.unpack_from(">4sII", profile, 132 + 12 * n) for n in range(min(count, 99))
        ]
    except struct.error:
        raise UnsupportedProfileError("damaged") from None
    return {name: profile[at : at + size] for name, at, size in entries}


def _tag(tags: dict[bytes, bytes], name: bytes) -> bytes:
    if name not in tags:
        raise UnsupportedProfileError(f"no {name.decode()}")
    return tags[name]


def _xyz(tag: bytes) -> NDArray[np.float64]:
    try:
        return np.array(struct.unpack_from(">3i", tag, 8)) / 65536
    except struct.error:
        raise UnsupportedProfileError("damaged") from None


def _curve(tag: bytes) -> NDArray[np.float32]:
    """The light, 0..1, of each of the LEVELS of a channel."""
    signal = np.linspace(0, 1, LEVELS)
    try:
        if tag[:4] == b"curv":
            light = _table_curve(signal, tag)
        elif tag[:4] == b"para":
            light = _formula(signal, tag)
        else:
            raise UnsupportedProfileError("an unknown curve")
    except (struct.error, ValueError):
        raise UnsupportedProfileError("a damaged curve") from None
    return light.clip(0, 1).astype(np.float32)


def _table_curve(signal: NDArray[np.float64], tag: bytes) -> NDArray[np.float64]:
    (count,) = struct.unpack_from(">I", tag, 8)
    if count == 0:
        return signal
    values = np.frombuffer(tag, ">u2", count, 12)
    if count == 1:
        return signal ** (float(values[0]) / 256)
    return np.interp(signal, np.linspace(0, 1, count), values / 65535)


def _formula(signal: NDArray[np.float64], tag: bytes) -> NDArray[np.float64]:
    """ICC.1:2022, table 68: (a x + b)^g + e from x = d on, c x + f below it."""
    (kind,) = struct.unpack_from(">H", tag, 8)
    counts = (1, 3, 4, 5, 7)
    if kind >= len(counts):
        raise UnsupportedProfileError("an unknown curve")
    numbers = [n / 65536 for n in struct.unpack_from(f">{counts[kind]}i", tag, 12)]
    missing = [1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0][len(numbers) :]
    g, a, b, c, d, e, f = numbers + missing
    if kind in (1, 2):
        d = -b / a if a else 0.0
        e = f = c if kind == 2 else 0.0
        c = 0.0
    bent = np.maximum(a * signal + b, 0) ** g + e
    return np.where(signal >= d, bent, c * signal + f)
