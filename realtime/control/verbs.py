"""What can be changed during a run: one table of verbs and one of values.

Keys, page, control socket, `stylecam ctl`, help and docs are made from these two tables.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

from models.errors import UsageError, lookup
from realtime.control.state import VIEWS, Settings, Verb, View

STRENGTH_STEP = 0.1


class Action(NamedTuple):
    """A verb: its name, what it changes, its keys, and what it does in words.

    Key names are lower case: a printable character as itself, else "space", "esc", "left",
    "right". Labels are plain ASCII, because OpenCV 4 draws nothing else. `button` is its text on
    the page's bar of switches; None if it has no place there. `on` tells whether a switch is on.
    """

    name: str
    change: Verb
    keys: tuple[str, ...]
    label: str
    button: str | None = None
    on: Callable[[Settings], bool] | None = None


class Value(NamedTuple):
    """A setting that is given a value: its name, what is accepted in words, and what it is.

    `setter` makes the verb that sets it; it raises UsageError for a value of the wrong type.
    `read` makes the value from text, as on a command line; it raises ValueError.
    """

    name: str
    accepts: str
    label: str
    setter: Callable[[object], Verb]
    read: Callable[[str], object]


def step_style(settings: Settings, step: int) -> Settings:
    position = settings.styles.index(settings.style)
    return replace(settings, style=settings.styles[(position + step) % len(settings.styles)])


def pick_style(settings: Settings, number: int) -> Settings:
    """The style at `number`, counted from 1; a number past the last changes nothing."""
    if number > len(settings.styles):
        return settings
    return replace(settings, style=settings.styles[number - 1])


def step_strength(settings: Settings, step: float) -> Settings:
    strength = min(1.0, max(0.0, round(settings.strength + step, 3)))
    return replace(settings, strength=strength)


def toggle_view(settings: Settings, view: View) -> Settings:
    return replace(settings, view="styled" if settings.view == view else view)


def _style_number(number: int) -> Action:
    def change(settings: Settings) -> Settings:
        return pick_style(settings, number)

    return Action(f"style-{number}", change, (str(number),), f"style {number}")


ACTIONS: tuple[Action, ...] = (
    Action("next", lambda s: step_style(s, +1), ("n", "right"), "next style"),
    Action("previous", lambda s: step_style(s, -1), ("p", "left"), "previous style"),
    *(_style_number(number) for number in range(1, 10)),
    # = is the plus key of a US keyboard without shift
    Action("stronger", lambda s: step_strength(s, +STRENGTH_STEP), ("+", "="), "stronger"),
    Action("weaker", lambda s: step_strength(s, -STRENGTH_STEP), ("-",), "weaker"),
    Action(
        "original",
        lambda s: toggle_view(s, "original"),
        ("o",),
        "original picture",
        button="Original",
        on=lambda s: s.view == "original",
    ),
    Action(
        "split",
        lambda s: toggle_view(s, "split"),
        ("s",),
        "split view",
        button="Split",
        on=lambda s: s.view == "split",
    ),
    Action(
        "mirror",
        lambda s: replace(s, mirror=not s.mirror),
        ("m",),
        "mirror",
        button="Mirror",
        on=lambda s: s.mirror,
    ),
    Action(
        "pause",
        lambda s: replace(s, paused=not s.paused),
        ("space",),
        "pause",
        button="Pause",
        on=lambda s: s.paused,
    ),
    Action(
        "snapshot",
        lambda s: replace(s, snapshots=s.snapshots + 1),
        ("x",),
        "snapshot",
        button="Snapshot",
    ),
    Action(
        "record",
        lambda s: replace(s, recording=not s.recording),
        ("r",),
        "record on / off",
        button="Record",
        on=lambda s: s.recording,
    ),
    Action("help", lambda s: replace(s, help=not s.help), ("h", "?"), "this help"),
    Action("quit", lambda s: replace(s, quit=True), ("q", "esc"), "quit"),
)

VERBS: dict[str, Verb] = {action.name: action.change for action in ACTIONS}


def set_style(name: object) -> Verb:
    """A verb that selects the style called `name`; it raises UsageError for an unknown one."""
    if not isinstance(name, str):
        raise UsageError("style must be the name of a style")

    def verb(settings: Settings) -> Settings:
        lookup("style", name, dict.fromkeys(settings.styles))
        return replace(settings, style=name)

    return verb


def set_strength(strength: object) -> Verb:
    """A verb that sets the strength; it raises UsageError outside 0..1."""
    number = _number("strength", strength)

    def verb(settings: Settings) -> Settings:
        if not 0.0 <= number <= 1.0:
            raise UsageError(f"strength must be from 0 to 1, not {number}")
        return replace(settings, strength=number)

    return verb


def set_smoothing(smoothing: object) -> Verb:
    """A verb that sets the smoothing; it raises UsageError outside 0..1."""
    number = _number("smoothing", smoothing)

    def verb(settings: Settings) -> Settings:
        if not 0.0 <= number <= 1.0:
            raise UsageError(f"smoothing {number} is outside 0..1")
        return replace(settings, smoothing=number)

    return verb


def set_view(view: object) -> Verb:
    """A verb that sets what is shown; raises UsageError for anything that is no view."""
    wanted = lookup("view", str(view), {name: name for name in VIEWS})
    return lambda settings: replace(settings, view=wanted)


def _number(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UsageError(f"{name} must be a number from 0 to 1")
    return value


def _switch(name: str) -> Callable[[object], Verb]:
    """For a setting that is true or false."""

    def setter(value: object) -> Verb:
        if not isinstance(value, bool):
            raise UsageError(f"{name} must be true or false")
        return lambda settings: replace(settings, **{name: value})  # type: ignore[arg-type]

    return setter


def _fraction(text: str) -> float:
    """A number, or a percentage like "70%"."""
    return float(text[:-1]) / 100 if text.endswith("%") else float(text)


def _on_or_off(text: str) -> bool:
    words = {"on": True, "true": True, "off": False, "false": False}
    if text.lower() not in words:
        raise ValueError
    return words[text.lower()]


VALUES: dict[str, Value] = {
    value.name: value
    for value in (
        Value("style", "the name of a style", "the style", set_style, str),
        Value("strength", "0 to 1", "the strength", set_strength, _fraction),
        Value("smoothing", "0 to 1", "how long strokes stay put", set_smoothing, _fraction),
        Value("view", ", ".join(VIEWS), "what is shown", set_view, str),
        Value("mirror", "true or false", "the mirror", _switch("mirror"), _on_or_off),
        Value("paused", "true or false", "the pause", _switch("paused"), _on_or_off),
        Value("recording", "true or false", "the recording", _switch("recording"), _on_or_off),
    )
}


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
