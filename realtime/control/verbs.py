"""What can be done during a run: the table of verbs. The table of values is in values.py.

Keys, page, control socket, `stylecam ctl`, help and docs are made from these two tables.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

from realtime.control.state import Settings, Verb, View, cannot_mix
from realtime.control.values import ENHANCE, LARGEST_ZOOM, SHUFFLE, SMALLEST_SCALE, with_value

STRENGTH_STEP = 0.1
ZOOM_STEP = 0.25
BLEND_STEP = 0.1
SCALE_STEP = 0.1
SMOOTHING_STEP = 0.1
FINEST, COARSE = 1.0, 0.3
"""The scales that the keys begin with, where the scale is the automatic one: that is at most the
first, and seldom less than the second."""


class Action(NamedTuple):
    """A verb: its name, what it changes, its keys, and what it does in words.

    Key names are lower case: a printable character as itself, else "space", "esc", "left",
    "right". Labels are plain ASCII, because OpenCV 4 draws nothing else. `button` is its text on
    the page's bar of switches; None if it has no place there. `on` tells whether a switch is on.
    A `guest` may use it, too.
    """

    name: str
    change: Verb
    keys: tuple[str, ...]
    label: str
    button: str | None = None
    on: Callable[[Settings], bool] | None = None
    guest: bool = False


def step_style(settings: Settings, step: int) -> Settings:
    position, count = settings.styles.index(settings.style), len(settings.styles)
    ring = [settings.styles[(position + step * n) % count] for n in range(1, count + 1)]
    usable = (name for name in ring if name not in settings.refused)
    return choose(settings, next(usable, settings.style))


def pick_style(settings: Settings, number: int) -> Settings:
    """The style at `number`, counted from 1; a number past the last changes nothing."""
    if number > len(settings.styles):
        return settings
    return choose(settings, settings.styles[number - 1])


def choose(settings: Settings, style: str) -> Settings:
    """That style alone: choosing one ends a mixture."""
    return replace(settings, style=style, blend_with=None)


def step_strength(settings: Settings, step: float) -> Settings:
    strength = min(1.0, max(0.0, round(settings.strength + step, 3)))
    return replace(settings, strength=strength)


def step_zoom(settings: Settings, step: float) -> Settings:
    return replace(settings, zoom=min(LARGEST_ZOOM, max(1.0, round(settings.zoom + step, 3))))


def step_blend_with(settings: Settings) -> Settings:
    """Mix the style after the one that is mixed in now; after the last, none."""
    others = settings.styles[settings.styles.index(settings.style) + 1 :]
    others += settings.styles[: settings.styles.index(settings.style)]
    left = others
    if settings.blend_with in others:
        left = others[others.index(settings.blend_with) + 1 :]
    usable = (name for name in left if not cannot_mix(settings, name))
    return replace(settings, blend_with=next(usable, None))


def step_blend(settings: Settings, step: float) -> Settings:
    return replace(settings, blend=min(1.0, max(0.0, round(settings.blend + step, 3))))


def step_scale(settings: Settings, step: float) -> Settings:
    if settings.scale is None:
        return replace(settings, scale=FINEST if step > 0 else COARSE)
    scale = min(1.0, max(SMALLEST_SCALE, round(settings.scale + step, 3)))
    return replace(settings, scale=scale)


def step_smoothing(settings: Settings, step: float) -> Settings:
    # Loads OpenCV, which `ctl --help` does without.
    from models.steadiness.hold import LIVE_SMOOTHING

    before = LIVE_SMOOTHING if settings.smoothing is None else settings.smoothing
    return replace(settings, smoothing=min(1.0, max(0.0, round(before + step, 3))))


def toggle_view(settings: Settings, view: View) -> Settings:
    return replace(settings, view="styled" if settings.view == view else view)


def _style_number(number: int) -> Action:
    def change(settings: Settings) -> Settings:
        return pick_style(settings, number)

    return Action(f"style-{number}", change, (str(number),), f"style {number}", guest=True)


def _toggle(name: str, field: str, key: str, label: str, button: str | None = None) -> Action:
    """A verb that switches a field of the settings on and off."""

    def change(settings: Settings) -> Settings:
        return with_value(settings, field, not getattr(settings, field))

    return Action(name, change, (key,), label, button, lambda s: bool(getattr(s, field)))


ACTIONS: tuple[Action, ...] = (
    Action("next", lambda s: step_style(s, +1), ("n", "right"), "next style", guest=True),
    Action("previous", lambda s: step_style(s, -1), ("p", "left"), "previous style", guest=True),
    *(_style_number(number) for number in range(1, 10)),
    Action(
        "shuffle",
        lambda s: replace(s, shuffle=0.0 if s.shuffle else SHUFFLE),
        ("a",),
        f"another style every {SHUFFLE:.0f} s",
        on=lambda s: s.shuffle > 0,
    ),
    # = is the plus key of a US keyboard without shift
    Action(
        "stronger",
        lambda s: step_strength(s, +STRENGTH_STEP),
        ("+", "="),
        "stronger",
        guest=True,
    ),
    Action("weaker", lambda s: step_strength(s, -STRENGTH_STEP), ("-",), "weaker", guest=True),
    _toggle("colours", "preserve_colours", "c", "the camera's colours", "Colours"),
    Action(
        "enhance",
        lambda s: replace(s, enhance=0.0 if s.enhance else ENHANCE),
        ("e",),
        "sharper",
        on=lambda s: s.enhance > 0,
    ),
    Action(
        "mix",
        step_blend_with,
        ("k",),
        "mix another style in",
        on=lambda s: s.blend_with is not None,
    ),
    Action("mix-more", lambda s: step_blend(s, +BLEND_STEP), (".",), "more of it"),
    Action("mix-less", lambda s: step_blend(s, -BLEND_STEP), (",",), "less of it"),
    Action("finer", lambda s: step_scale(s, +SCALE_STEP), ("i",), "finer strokes"),
    Action("coarser", lambda s: step_scale(s, -SCALE_STEP), ("u",), "coarser strokes"),
    Action("calmer", lambda s: step_smoothing(s, +SMOOTHING_STEP), ("l",), "calmer strokes"),
    Action("livelier", lambda s: step_smoothing(s, -SMOOTHING_STEP), ("j",), "livelier strokes"),
    Action("zoom-in", lambda s: step_zoom(s, +ZOOM_STEP), ("]",), "zoom in"),
    Action("zoom-out", lambda s: step_zoom(s, -ZOOM_STEP), ("[",), "zoom out"),
    Action(
        "rotate",
        lambda s: replace(s, rotation=(s.rotation + 90) % 360),
        ("t",),
        "turn by 90 degrees",
    ),
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
    _toggle("mirror", "mirror", "m", "mirror", "Mirror"),
    _toggle("mirror-own", "mirror_own", "w", "mirror in window and page only"),
    _toggle("freeze", "frozen", "z", "freeze the camera's picture", "Freeze"),
    _toggle("blank", "blank", "b", "show nothing of the camera", "Blank"),
    _toggle("pause", "paused", "space", "pause", "Pause"),
    Action(
        "snapshot",
        lambda s: replace(s, snapshots=s.snapshots + 1),
        ("x",),
        "snapshot",
        button="Snapshot",
        guest=True,
    ),
    _toggle("record", "recording", "r", "record on / off", "Record"),
    Action("help", lambda s: replace(s, help=not s.help), ("h", "?"), "this help"),
    Action("quit", lambda s: replace(s, quit=True), ("q", "esc"), "quit"),
)

VERBS: dict[str, Verb] = {action.name: action.change for action in ACTIONS}
GUEST_VERBS = frozenset(action.name for action in ACTIONS if action.guest)
