"""Which key does what: the one table that the window, the terminal, the page and the docs share.

Key names are lower case: a printable character as itself, else "space", "esc", "left", "right".
"""

from typing import NamedTuple

from realtime.settings import VERBS, SettingsBox


class Hotkey(NamedTuple):
    """Keys that do the same thing: the verb, None where no verb is behind it, and what to call it.

    Labels are plain ASCII, as OpenCV 4 draws no more than that.
    """

    keys: tuple[str, ...]
    verb: str | None
    label: str


FULLSCREEN = "f"
"""Has no verb: only the window and the page have a screen to fill, and each does it itself."""

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
    """The table as a person reads it, keys and what they do; the nine style keys are one row."""
    rows = []
    for row in HOTKEYS:
        if row.verb == "style-1":
            rows.append(("1 - 9", "style by number"))
        elif not (row.verb or "").startswith("style-"):
            rows.append(("  ".join(row.keys), row.label))
    return rows


def press(box: SettingsBox, key: str) -> None:
    """Do what the key called `key` stands for; a key without a meaning does nothing."""
    verb = KEYS.get(key.lower())
    if verb is not None:
        box.apply(VERBS[verb])
