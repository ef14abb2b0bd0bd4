"""The messages between the page and the server: JSON objects with one key. Pure."""

import json
from collections.abc import Mapping
from dataclasses import asdict

from models.errors import UsageError, lookup
from realtime.control.hotkeys import HOTKEYS, legend
from realtime.control.state import Settings
from realtime.control.verbs import VERBS, Verb, set_smoothing, set_strength, set_style

LARGEST = 1024
"""Largest message to the server in bytes; the longest sensible one has a tenth of that."""


def parse(message: str) -> Verb:
    """The verb that a message stands for: {"verb": ...}, {"style": ...}, {"strength": ...} or
    {"smoothing": ...}.

    Raises UsageError for anything else. Only the verb itself refuses a style that does not exist.
    """
    try:
        said = json.loads(message)
    except (ValueError, RecursionError):
        raise UsageError("not valid JSON") from None
    match said:
        case {"verb": str(verb)} if len(said) == 1:
            return lookup("verb", verb, VERBS)
        case {"style": str(style)} if len(said) == 1:
            return set_style(style)
        case {"strength": int() | float() as strength} if len(said) == 1:
            if isinstance(strength, bool):
                raise UsageError("strength must be a number from 0 to 1")
            return set_strength(strength)
        case {"smoothing": int() | float() as smoothing} if len(said) == 1:
            if isinstance(smoothing, bool):
                raise UsageError("smoothing must be a number from 0 to 1")
            return set_smoothing(smoothing)
    raise UsageError(
        'send {"verb": name}, {"style": name}, {"strength": 0 to 1} or {"smoothing": 0 to 1}'
    )


def hello(
    title: str,
    settings: Settings,
    titles: Mapping[str, str],
    previews: set[str],
    *,
    picture: bool = True,
) -> str:
    """The message with what does not change while the server runs: the styles and the keys.

    `titles` are the titles of styles by name; a style without one is called by its name.
    `picture` says whether pictures will follow.
    """
    styles = [
        {
            "name": name,
            "title": titles.get(name, name),
            "preview": name in previews,
        }
        for name in settings.styles
    ]
    keys = [{"keys": row.keys, "verb": row.verb} for row in HOTKEYS]
    greeting = {
        "title": title,
        "styles": styles,
        "keys": keys,
        "help": legend(),
        "picture": picture,
    }
    return json.dumps({"hello": greeting})


def state(settings: Settings) -> str:
    """The message with what may change at any time: the settings."""
    fields = asdict(settings)
    del fields["styles"]
    return json.dumps({"state": fields})


def error_message(error: Exception) -> str:
    return json.dumps({"error": str(error)})
