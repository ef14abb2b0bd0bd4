import io
import struct

import numpy as np
import pytest
from PIL import Image, ImageCms

from models.picture_formats.icc_profile import UnsupportedProfileError, to_srgb16
from models.picture_formats.sixteen_bits import eight_bits, sixteen_bits, srgb_profile
from tests.realtime.icc import exchanged_primaries

PICTURE = np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8)


def by_pillow(picture, profile):
    own = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    srgb = ImageCms.createProfile("sRGB")
    image = ImageCms.profileToProfile(Image.fromarray(picture), own, srgb, outputMode="RGB")
    return np.asarray(image).astype(int)


def with_curve(curve):
    """The profile of the tests, with another curve of all channels (padded to the old one's)."""
    profile = bytearray(exchanged_primaries())
    for n in range(struct.unpack_from(">I", profile, 128)[0]):
        name, _, _ = struct.unpack_from(">4sII", profile, 132 + 12 * n)
        if name.endswith(b"TRC"):
            struct.pack_into(">II", profile, 136 + 12 * n, len(profile), len(curve))
    profile += curve
    struct.pack_into(">I", profile, 0, len(profile))
    return bytes(profile)


def table(values):
    return b"curv\0\0\0\0" + struct.pack(f">I{len(values)}H", len(values), *values)


def formula(kind, *numbers):
    fixed = [round(number * 65536) for number in numbers]
    return b"para\0\0\0\0" + struct.pack(f">H2x{len(fixed)}i", kind, *fixed)


CURVES = [
    table([round(2.2 * 256)]),
    table([]),
    table([round(65535 * (n / 99) ** 1.8) for n in range(100)]),
    formula(0, 2.4),
    formula(1, 2.0, 1.1, -0.1),
    formula(3, 2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045),
    formula(4, 2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045, 0.0, 0.0),
]


@pytest.mark.parametrize("curve", CURVES)
def test_it_agrees_with_littlecms_at_eight_bits(curve):
    profile = with_curve(curve)
    ours = eight_bits(to_srgb16(sixteen_bits(PICTURE), profile)).astype(int)
    off = np.abs(ours - by_pillow(PICTURE, profile))
    assert off.mean() < 0.5
    assert np.percentile(off, 99) <= 2


def test_levels_between_those_of_eight_bits_stay_apart():
    ramp = np.arange(30_000, 30_600, dtype=np.uint16).reshape(20, 30, 1).repeat(3, axis=2)
    converted = to_srgb16(ramp, with_curve(table([round(2.2 * 256)])))
    assert len(np.unique(converted)) > 500
    assert (np.diff(converted[..., 0].ravel().astype(int)) >= 0).all()


def test_srgb_gives_back_the_same_levels():
    dark_to_light = np.arange(0, 65536, 7, dtype=np.uint16)[None, :, None].repeat(3, axis=2)
    converted = to_srgb16(dark_to_light, srgb_profile()).astype(int)
    assert np.abs(converted - dark_to_light).max() <= 40  # of 65535: rounded colorants


@pytest.mark.parametrize("damage", [b"", b"junk", exchanged_primaries()[:150]])
def test_a_damaged_profile_is_told(damage):
    with pytest.raises(UnsupportedProfileError):
        to_srgb16(sixteen_bits(PICTURE), damage)
