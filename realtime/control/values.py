"""The settings that are given a value during a run: what each accepts, and how it is set."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal, NamedTuple

from models.errors import UsageError, lookup
from realtime.control.state import VIEWS, Settings, Verb

LARGEST_ZOOM = 4.0
SMALLEST_SCALE = 0.2
LONGEST_SHUFFLE = 3600.0
SHORTEST_SHUFFLE = 1.0
"""Seconds: a generator needs some tenths of a second to load."""
SHUFFLE = 20.0
"""Seconds between styles where the key starts the shuffle."""
ENHANCE = 0.6
"""What the key sharpens by."""
ROTATIONS = (0, 90, 180, 270)


class Value(NamedTuple):
    """A setting that is given a value: its name, what is accepted in words, and what it is.

    `setter` makes the verb that sets it; it raises UsageError for a value of the wrong type.
    `read` makes the value from text, as on a command line; it raises ValueError. A number has a
    `range`, a choice its `choices`. A `guest` may set it, too.
    """

    name: str
    accepts: str
    label: str
    setter: Callable[[object], Verb]
    read: Callable[[str], object]
    kind: Literal["style", "number", "switch", "choice"]
    range: tuple[float, float] | None = None
    choices: tuple[object, ...] = ()
    guest: bool = False


def set_style(name: object) -> Verb:
    """A verb that selects the style called `name`; it raises UsageError for an unknown one."""
    if not isinstance(name, str):
        raise UsageError("style must be the name of a style")

    def verb(settings: Settings) -> Settings:
        lookup("style", name, dict.fromkeys(settings.styles))
        return replace(settings, style=name, blend_with=None)

    return verb


def set_blend_with(name: object) -> Verb:
    """A verb that mixes the style called `name` in; None ends the mixture. Raises UsageError."""
    if name is not None and not isinstance(name, str):
        raise UsageError("blend_with must be the name of a style, or null")

    def verb(settings: Settings) -> Settings:
        if name is not None:
            lookup("style", name, dict.fromkeys(settings.styles))
        return replace(settings, blend_with=name)

    return verb


def set_shuffle(seconds: object) -> Verb:
    """A verb that sets the time between two styles; 0 ends the shuffle. Raises UsageError."""
    number = as_number("shuffle", seconds)
    if number != 0 and not SHORTEST_SHUFFLE <= number <= LONGEST_SHUFFLE:
        span = f"{SHORTEST_SHUFFLE:.0f} to {LONGEST_SHUFFLE:.0f}"
        raise UsageError(f"shuffle must be 0 (off), or from {span} seconds, not {number:g}")
    return lambda settings: replace(settings, shuffle=number)


def as_number(name: str, value: object) -> float:
    """`value`, if it is a finite number; otherwise UsageError."""
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            number = float(value)
            if math.isfinite(number):
                return number
    except OverflowError:
        pass
    raise UsageError(f"{name} must be a number")


def _numeric(name: str, low: float, high: float) -> Callable[[object], Verb]:
    def setter(value: object) -> Verb:
        number = as_number(name, value)
        if not low <= number <= high:
            raise UsageError(f"{name} must be from {low:g} to {high:g}, not {number:g}")
        return lambda settings: with_value(settings, name, number)

    return setter


def _one_of(name: str, choices: tuple[Any, ...]) -> Callable[[object], Verb]:
    def setter(value: object) -> Verb:
        texts = {str(choice): choice for choice in choices}
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise UsageError(f"{name} must be {', '.join(texts)}")
        wanted = lookup(name, str(value), texts)
        return lambda settings: with_value(settings, name, wanted)

    return setter


def _switch(name: str) -> Callable[[object], Verb]:
    """For a setting that is true or false."""

    def setter(value: object) -> Verb:
        if not isinstance(value, bool):
            raise UsageError(f"{name} must be true or false")
        return lambda settings: with_value(settings, name, value)

    return setter


def with_value(settings: Settings, name: str, value: Any) -> Settings:
    """`settings` with the field called `name` changed."""
    return replace(settings, **{name: value})


def _fraction(text: str) -> float:
    """A number, or a percentage like "70%"."""
    return float(text[:-1]) / 100 if text.endswith("%") else float(text)


def _seconds(text: str) -> float:
    return float(text.removesuffix("s").strip())


def _style_or_none(text: str) -> str | None:
    return None if text in ("none", "null", "off") else text


def _on_or_off(text: str) -> bool:
    words = {"on": True, "true": True, "off": False, "false": False}
    if text.lower() not in words:
        raise ValueError
    return words[text.lower()]


def _number(
    name: str, label: str, low: float = 0.0, high: float = 1.0, *, guest: bool = False
) -> Value:
    accepts, setter = f"{low:g} to {high:g}", _numeric(name, low, high)
    return Value(name, accepts, label, setter, _fraction, "number", (low, high), guest=guest)


def _on_off(name: str, label: str) -> Value:
    return Value(name, "true or false", label, _switch(name), _on_or_off, "switch")


def _choice(
    name: str, label: str, choices: tuple[object, ...], read: Callable[[str], object] = str
) -> Value:
    accepts, setter = ", ".join(map(str, choices)), _one_of(name, choices)
    return Value(name, accepts, label, setter, read, "choice", choices=choices)


VALUES: dict[str, Value] = {
    value.name: value
    for value in (
        Value("style", "the name of a style", "the style", set_style, str, "style", guest=True),
        Value(
            "blend_with",
            "the name of a style, or null",
            "the style that is mixed in",
            set_blend_with,
            _style_or_none,
            "style",
        ),
        _number("blend", "its share"),
        Value(
            "shuffle",
            "0, or 1 to 3600",
            "seconds until another style",
            set_shuffle,
            _seconds,
            "number",
            (0.0, LONGEST_SHUFFLE),
        ),
        _number("strength", "the strength", guest=True),
        _on_off("preserve_colours", "the camera's colours"),
        _number("scale", "the painted size against the output", SMALLEST_SCALE),
        _number("smoothing", "how long strokes stay put"),
        _number("enhance", "how much sharper"),
        _number("zoom", "the zoom", 1.0, LARGEST_ZOOM),
        _choice("rotation", "degrees clockwise", ROTATIONS, int),
        _choice("view", "what is shown", VIEWS),
        _on_off("mirror", "the mirror"),
        _on_off("mirror_own", "the mirror in window and page only"),
        _on_off("frozen", "whether the camera's picture is frozen"),
        _on_off("blank", "whether nothing of the camera is shown"),
        _on_off("paused", "the pause"),
        _on_off("recording", "the recording"),
    )
}
GUEST_VALUES = frozenset(value.name for value in VALUES.values() if value.guest)


def value_from_text(name: str, text: str) -> object:
    """The value that `text` stands for on a command line. Raises UsageError.

    Numbers may be percentages ("70%"), switches are on or off.
    """
    value = lookup("setting", name, VALUES)
    try:
        return value.read(text.strip())
    except ValueError:
        accepts = value.accepts.replace("true or false", "on or off")
        raise UsageError(f"{name} must be {accepts}, not {text!r}") from None
