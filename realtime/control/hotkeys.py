"""Which key does what: the one table that the window, the terminal, the page and the docs share.

Key names are lower case: a printable character as itself, else "space", "esc", "left", "right".
"""

from typing import NamedTuple

from realtime.control.state import SettingsStore
from realtime.control.verbs import VERBS


class Hotkey(NamedTuple):
    """Keys that do the same thing: their verb (None if they have none) and their label.

    Labels are plain ASCII, because OpenCV 4 draws nothing else.
    """

    keys: tuple[str, ...]
    verb: str | None
    label: str


FULLSCREEN = "f"
"""Has no verb: only the window and the page can fill a screen, and each does it itself."""

HOTKEYS: tuple[Hotkey, ...] = (
    Hotkey(("n", "right"), "next", "next style"),
    Hotkey(("p", "left"), "previous", "previous style"),
    *(Hotkey((str(n),), f"style-{n}", f"style {n}") for n in range(1, 10)),
    # = is the plus key of a US keyboard without shift
    Hotkey(("+", "="), "stronger", "stronger"),
    Hotkey(("-",), "weaker", "weaker"),
    Hotkey(("o",), "original", "original picture"),
    Hotkey(("s",), "split", "split view"),
    Hotkey(("m",), "mirror", "mirror"),
    Hotkey(("space",), "pause", "pause"),
    Hotkey(("x",), "snapshot", "snapshot"),
    Hotkey(("r",), "record", "record on / off"),
    Hotkey((FULLSCREEN,), None, "full screen"),
    Hotkey(("h", "?"), "help", "this help"),
    Hotkey(("q", "esc"), "quit", "quit"),
)

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
