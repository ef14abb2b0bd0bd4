"""Sizes and durations as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.config.units import LARGEST_SIDE, parse_duration, parse_share, parse_size
from realtime.frames.size import Size

sides = st.integers(1, LARGEST_SIDE)


@given(sides, sides, st.sampled_from(["x", "X", "×", " x "]))
def test_every_size_that_can_be_is_understood(width, height, between):
    assert parse_size(f"{width}{between}{height}") == Size(width, height)
    assert parse_size(str(Size(width, height))) == Size(width, height)


@pytest.mark.parametrize(
    "text", ["", "640", "640x", "x480", "640*480", "-640x480", "0x480", "640x0", "6.4x4", "1x99999"]
)
def test_what_is_no_size_is_refused(text):
    with pytest.raises(ValueError, match=r"size|width"):
        parse_size(text)


@pytest.mark.parametrize(
    ("written", "seconds"),
    [(10, 10), (0, 0), (1.5, 1.5), ("10", 10), ("10s", 10), ("500 ms", 0.5), ("1.5 min", 90),
     ("2h", 7200), (".5 S", 0.5)],
)  # fmt: skip
def test_durations_are_seconds_or_have_a_unit(written, seconds):
    assert parse_duration(written) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "written", ["", "ten", "10 parsec", "-1", -1, "1e3", True, None, "9" * 400]
)
def test_what_is_no_duration_is_refused(written):
    with pytest.raises(ValueError, match="duration"):
        parse_duration(written)


@pytest.mark.parametrize(
    ("text", "share"), [("50%", 0.5), ("0.25", 0.25), (1, 1.0), ("100 %", 1.0)]
)
def test_a_share_is_a_percentage_or_a_number(text, share):
    assert parse_share(text) == share


@pytest.mark.parametrize("text", ["0", "101%", 2, "half", True, None, "", "-5%"])
def test_anything_else_is_no_share(text):
    with pytest.raises(ValueError, match="percentage"):
        parse_share(text)
