"""Sizes and durations as people write them: "1280x720", "500 ms", "1.5 min", "1:30". Pure."""

import math
import re
from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer

from realtime.frames.size import Size

UNITS = {"ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0}

LARGEST_SIDE = 16384
"""No encoder takes more, and a typing error would use up all memory."""


def parse_size(value: object) -> Size:
    """Parse "1280x720". For anything else, raises ValueError, worded for the user."""
    if isinstance(value, Size):
        return value
    match = re.fullmatch(r"\s*(\d{1,9})\s*[x×]\s*(\d{1,9})\s*", str(value), re.IGNORECASE)
    if match is None:
        raise ValueError("write a size as WIDTHxHEIGHT, like 1280x720")
    size = Size(int(match[1]), int(match[2]))
    if min(size) < 1:
        raise ValueError("width and height must be more than 0")
    if max(size) > LARGEST_SIDE:
        raise ValueError(f"width and height must be at most {LARGEST_SIDE}")
    return size


def parse_duration(value: object) -> float:
    """Seconds from a number, a text with a unit, or minutes:seconds, hours:minutes:seconds.

    Raises ValueError, worded for the user.
    """
    clock = re.fullmatch(r"\s*(?:(\d{1,5}):)?(\d{1,5}):([0-5]?\d(?:\.\d*)?)\s*", str(value))
    if clock is not None:
        return int(clock[1] or 0) * 3600 + int(clock[2]) * 60 + float(clock[3])
    match = re.fullmatch(r"\s*(\d+\.?\d*|\.\d+)\s*([a-z]*)\s*", str(value), re.IGNORECASE)
    unit = (match[2].lower() or "s") if match else ""
    if match is None or isinstance(value, bool) or unit not in UNITS:
        raise ValueError(
            f"write a duration as seconds, with a unit ({', '.join(UNITS)}), or as 1:30"
        )
    seconds = float(match[1]) * UNITS[unit]
    if not math.isfinite(seconds):
        raise ValueError("this duration is too long")
    return seconds


def parse_share(value: object) -> float:
    """A share above 0, up to 1, from a number or a percentage. Raises ValueError, for the user."""
    match = re.fullmatch(r"\s*(\d*\.?\d+)\s*(%?)\s*", str(value))
    share = float(match[1]) / (100 if match[2] else 1) if match else 0.0
    if isinstance(value, bool) or not 0 < share <= 1:
        raise ValueError("write a share as a percentage up to 100%, or a number up to 1")
    return share


SizeText = Annotated[Size, BeforeValidator(parse_size), PlainSerializer(str)]
Share = Annotated[float, BeforeValidator(parse_share)]
Seconds = Annotated[float, BeforeValidator(parse_duration)]
