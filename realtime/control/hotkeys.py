"""Which key does what: the table of verbs as the window, the terminal and the page read it."""

from typing import NamedTuple

from realtime.control.state import SettingsStore
from realtime.control.verbs import ACTIONS, VERBS


class Hotkey(NamedTuple):
    """Keys that do the same thing: their verb (None if they have none) and their label."""

    keys: tuple[str, ...]
    verb: str | None
    label: str


FULLSCREEN = "f"
"""Has no verb: only the window and the page can fill a screen, and each does it itself."""


def _hotkeys() -> tuple[Hotkey, ...]:
    rows = [Hotkey(action.keys, action.name, action.label) for action in ACTIONS]
    before_help = [row.verb for row in rows].index("help")
    rows.insert(before_help, Hotkey((FULLSCREEN,), None, "full screen"))
    return tuple(rows)


HOTKEYS: tuple[Hotkey, ...] = _hotkeys()

KEYS: dict[str, str] = {key: row.verb for row in HOTKEYS if row.verb for key in row.keys}


def legend() -> list[tuple[str, str]]:
    """The table for people: keys and what they do, with the nine style keys in one row."""
    rows = []
    for row in HOTKEYS:
        if row.verb == "style-1":
            rows.append(("1 - 9", "style by number"))
        elif not (row.verb or "").startswith("style-"):
            rows.append(("  ".join(row.keys), row.label))
    return rows


def apply_hotkey(box: SettingsStore, key: str) -> None:
    """Apply the verb of the key called `key`; a key without a verb does nothing."""
    verb = KEYS.get(key.lower())
    if verb is not None:
        box.apply(VERBS[verb])
