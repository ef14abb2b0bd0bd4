"""The messages between the page and the server: JSON objects with one key. Pure.

The control socket speaks them too."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict

from models.errors import UsageError, lookup
from realtime.control.hotkeys import HOTKEYS, legend
from realtime.control.state import Settings, Verb
from realtime.control.values import VALUES
from realtime.control.verbs import ACTIONS, VERBS

LARGEST = 1024
"""Largest message to the server in bytes; the longest sensible one has a tenth of that."""


def parse(message: str) -> Verb:
    """The verb that a message stands for: {"verb": name}, or a setting such as {"strength": 0.7}.

    Raises UsageError for anything else. Only the verb itself refuses a style that does not exist.
    """
    try:
        said = json.loads(message)
    except (ValueError, RecursionError):
        raise UsageError("not valid JSON") from None
    return verb_of(said)


def verb_of(said: object) -> Verb:
    """The verb that a decoded message stands for; see `parse`."""
    if not isinstance(said, dict) or len(said) != 1:
        raise UsageError(f'send an object with one key: "verb", {_quoted(VALUES)}')
    [(key, value)] = said.items()
    if key == "verb":
        return lookup("verb", value if isinstance(value, str) else repr(value), VERBS)
    if key not in VALUES:
        raise UsageError(f'unknown key {key!r}; send "verb", {_quoted(VALUES)}')
    return VALUES[key].setter(value)


def _quoted(names: Iterable[str]) -> str:
    *most, last = (f'"{name}"' for name in names)
    return f"{', '.join(most)} or {last}"


def hello(
    title: str,
    settings: Settings,
    titles: Mapping[str, str],
    previews: set[str],
    *,
    picture: bool = True,
) -> str:
    """The message with what does not change while the server runs: the styles, the
    keys and the switches.

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
    switches = [{"verb": action.name, "text": action.button} for action in ACTIONS if action.button]
    greeting = {
        "title": title,
        "styles": styles,
        "keys": keys,
        "switches": switches,
        "help": legend(),
        "picture": picture,
    }
    return json.dumps({"hello": greeting})


def state(settings: Settings) -> str:
    """The message with what may change at any time: the settings, and the switches that are on."""
    return json.dumps({"state": state_fields(settings)})


def state_fields(settings: Settings) -> dict[str, object]:
    """The settings as JSON values; "on" has the verbs of the switches that are on."""
    fields = asdict(settings)
    del fields["styles"]
    return fields | {"on": [row.name for row in ACTIONS if row.on and row.on(settings)]}


def source_message(lost_for: int | None) -> str:
    """The message with the seconds for which the source has been lost; null if it is not."""
    return json.dumps({"source": {"lost_for": lost_for}})


def error_message(error: Exception | str) -> str:
    """The message with a refused request, or with what else has just gone wrong."""
    return json.dumps({"error": str(error)})
