"""Applies an edited config file to a run that goes on, as far as that is possible."""

from collections.abc import Callable

from models.errors import StylecamError, lookup
from realtime.config.schema import Config
from realtime.control.state import Settings, SettingsStore
from realtime.control.values import with_value

LIVE = {
    "style.strength": "strength",
    "style.view": "view",
    "style.mirror": "mirror",
    "style.mirror_own": "mirror_own",
    "style.preserve_colours": "preserve_colours",
    "style.enhance": "enhance",
    "style.zoom": "zoom",
    "style.rotation": "rotation",
    "style.shuffle": "shuffle",
    "style.blend_with": "blend_with",
    "style.blend": "blend",
    "processing.smoothing": "smoothing",
    "processing.scale": "scale",
}
"""Key of the config to field of the settings; style.name is one, too."""


class ConfigReload:
    """Reads the config again with `read`, and applies what differs from last time to `box`.

    What a key or the page changed meanwhile stays, unless the file changes that very setting. A
    broken file changes nothing. `say` gets a line about each reload.
    """

    def __init__(
        self,
        config: Config,
        read: Callable[[], Config],
        box: SettingsStore,
        say: Callable[[str], None],
    ) -> None:
        self._config, self._read, self._box, self._say = config, read, box, say

    def __call__(self) -> None:
        try:
            config = self._read()
            changed = [key for key in _keys(config) if _at(config, key) != _at(self._config, key)]
            self._box.apply(lambda settings: self._applied(settings, config, changed))
        except StylecamError as error:
            self._say(f"{error}; nothing was changed")
            return
        self._config = config
        later = [key for key in changed if key not in LIVE and key != "style.name"]
        now = [key for key in changed if key not in later]
        if now:
            self._say(f"config read again: {', '.join(now)}")
        if later:
            self._say(f"config read again: {', '.join(later)} will count from the next start")

    def _applied(self, settings: Settings, config: Config, changed: list[str]) -> Settings:
        for key in changed:
            if key == "style.name":
                style = lookup("style", config.style.name, {name: name for name in settings.styles})
                settings = with_value(with_value(settings, "style", style), "blend_with", None)
            elif key in LIVE:
                if key == "style.blend_with" and config.style.blend_with is not None:
                    lookup("style", config.style.blend_with, dict.fromkeys(settings.styles))
                settings = with_value(settings, LIVE[key], _at(config, key))
        return settings


def _keys(config: Config) -> list[str]:
    """The dotted keys of all settings."""
    keys = []
    for section, fields in config.model_dump().items():
        keys += [f"{section}.{name}" for name in fields] if isinstance(fields, dict) else [section]
    return keys


def _at(config: Config, key: str) -> object:
    value: object = config
    for part in key.split("."):
        value = getattr(value, part)
    return value
