"""The verbs that change a run's settings: the one table that keys, page and scripts share."""

from dataclasses import replace

from models.errors import UsageError, lookup
from realtime.control.state import Settings, Verb, View

STRENGTH_STEP = 0.1


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


VERBS: dict[str, Verb] = {
    "next": lambda s: step_style(s, +1),
    "previous": lambda s: step_style(s, -1),
    "stronger": lambda s: step_strength(s, +STRENGTH_STEP),
    "weaker": lambda s: step_strength(s, -STRENGTH_STEP),
    "original": lambda s: toggle_view(s, "original"),
    "split": lambda s: toggle_view(s, "split"),
    "mirror": lambda s: replace(s, mirror=not s.mirror),
    "snapshot": lambda s: replace(s, snapshots=s.snapshots + 1),
    "record": lambda s: replace(s, recording=not s.recording),
    "pause": lambda s: replace(s, paused=not s.paused),
    "help": lambda s: replace(s, help=not s.help),
    "quit": lambda s: replace(s, quit=True),
    **{f"style-{n}": lambda s, n=n: pick_style(s, n) for n in range(1, 10)},  # type: ignore[misc]
}


def set_style(name: str) -> Verb:
    """A verb that selects the style called `name`; it raises UsageError for an unknown one."""

    def verb(settings: Settings) -> Settings:
        lookup("style", name, dict.fromkeys(settings.styles))
        return replace(settings, style=name)

    return verb


def set_strength(strength: float) -> Verb:
    """A verb that sets the strength; it raises UsageError outside 0..1."""

    def verb(settings: Settings) -> Settings:
        if not 0.0 <= strength <= 1.0:
            raise UsageError(f"strength must be from 0 to 1, not {strength}")
        return replace(settings, strength=strength)

    return verb


def set_smoothing(smoothing: float) -> Verb:
    """A verb that sets the smoothing; it raises UsageError outside 0..1."""

    def verb(settings: Settings) -> Settings:
        if not 0.0 <= smoothing <= 1.0:
            raise UsageError(f"smoothing {smoothing} is outside 0..1")
        return replace(settings, smoothing=smoothing)

    return verb
