"""The messages between the page and the server: JSON objects with one key. Pure.

The control socket speaks them too."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict

from models.errors import UsageError, lookup
from realtime.control.hotkeys import HOTKEYS, legend
from realtime.control.state import Settings, Verb
from realtime.control.values import VALUES, Value
from realtime.control.verbs import ACTIONS, VERBS
from realtime.control.web.roles import Role, may_use, permit, sees

LARGEST = 1024
"""Largest message to the server in bytes; the longest sensible one has a tenth of that."""


def parse(message: str, role: Role = Role.OWNER) -> Verb:
    """The verb that a message stands for: {"verb": name}, or a setting such as {"strength": 0.7}.

    Raises UsageError for anything else, and for what `role` may not do. Only the verb itself
    refuses a style that does not exist.
    """
    try:
        said = json.loads(message)
    except (ValueError, RecursionError):
        raise UsageError("not valid JSON") from None
    permit(role, said)
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
    role: Role = Role.OWNER,
    kiosk: bool = False,
    unlock: bool = False,
) -> str:
    """The message with what seldom changes while the server runs: the styles, the keys, the
    switches and the values, as far as `role` may use them.

    `titles` are the titles of styles by name; a style without one is called by its name.
    `picture` says whether pictures will follow, `unlock` whether a PIN makes guests owners.
    """
    names = () if role is Role.VIEWER else settings.styles
    styles = [
        {
            "name": name,
            "title": titles.get(name, name),
            "preview": name in previews,
        }
        for name in names
    ]
    rows = [row for row in HOTKEYS if may_use(role, row.verb)]
    keys = [{"keys": row.keys, "verb": row.verb} for row in rows]
    actions = [action for action in ACTIONS if may_use(role, action.name)]
    switches = [{"verb": action.name, "text": action.button} for action in actions if action.button]
    greeting = {
        "title": title,
        "styles": styles,
        "keys": keys,
        "switches": switches,
        "values": [_control(value) for value in VALUES.values()] if role is Role.OWNER else [],
        "help": legend({row.verb for row in rows}),
        "picture": picture,
        "role": role,
        "kiosk": kiosk,
        "unlock": unlock and role is not Role.OWNER,
    }
    return json.dumps({"hello": greeting})


def _control(value: Value) -> dict[str, object]:
    """What the page needs for an input of that value."""
    return {
        "name": value.name,
        "label": value.label,
        "kind": value.kind,
        "range": value.range,
        "choices": value.choices,
    }


def state(settings: Settings, role: Role = Role.OWNER) -> str:
    """The message with what may change at any time: the settings, and the switches that are on."""
    return json.dumps({"state": state_fields(settings, role)})


def state_fields(settings: Settings, role: Role = Role.OWNER) -> dict[str, object]:
    """The settings as JSON values, as far as `role` is told them; "on" has the switches on."""
    fields = {name: value for name, value in asdict(settings).items() if sees(role, name)}
    fields.pop("styles", None)
    shown = (row for row in ACTIONS if may_use(role, row.name))
    return fields | {"on": [row.name for row in shown if row.on and row.on(settings)]}


def source_message(lost_for: int | None) -> str:
    """The message with the seconds for which the source has been lost; null if it is not."""
    return json.dumps({"source": {"lost_for": lost_for}})


def effort_message(words: str) -> str:
    """The message with what the painting is spared, to keep to its limits; empty for nothing."""
    return json.dumps({"effort": words})


def error_message(error: Exception | str) -> str:
    """The message with a refused request, or with what else has just gone wrong."""
    return json.dumps({"error": str(error)})
