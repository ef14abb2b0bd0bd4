"""The styles that exist: the shipped ones and the user's own. Needs no torch."""

from collections.abc import Container, Mapping
from contextlib import suppress
from pathlib import Path

import platformdirs

from models.card import StyleCard, load_card
from models.default_style import STYLE_ORDER
from models.errors import StylecamError, lookup

ORDER_FILE = "order.txt"
SHIPPED = Path(__file__).parent / "weights"


def user_folder() -> Path:
    """Where `stylecam train` installs a finished style: the system's folder for user data."""
    return platformdirs.user_data_path("stylecam") / "styles"


def style_paths(folders: list[Path] | None = None) -> dict[str, Path]:
    """Style name to graph; later folders take precedence.

    First come those of the user's ORDER_FILE, then STYLE_ORDER, then the others by name, the
    user's own last.
    """
    found: dict[str, Path] = {}
    for folder in folders or [SHIPPED, user_folder()]:
        found |= {path.stem: path for path in sorted(folder.glob("*.onnx"))}
    first = dict.fromkeys([*_wanted_order(), *STYLE_ORDER])
    places = {name: place for place, name in enumerate(first)}
    own = {name: path.parent != SHIPPED for name, path in found.items()}
    order = sorted(found, key=lambda name: (places.get(name, len(places)), own[name], name))
    return {name: found[name] for name in order}


def _wanted_order() -> list[str]:
    """The names in the user's ORDER_FILE, a line each; none if there is no readable one."""
    try:
        lines = (user_folder() / ORDER_FILE).read_text().splitlines()
    except (OSError, ValueError):
        return []
    return [line.strip() for line in lines if line.strip()]


def readable_cards(paths: Mapping[str, Path]) -> dict[str, StyleCard]:
    """The cards of `paths`, by name, without damaged ones: loading such a style reports it."""
    cards = {}
    for name, path in paths.items():
        with suppress(StylecamError):
            cards[name] = load_card(path)
    return cards


def lighter_styles(paths: Mapping[str, Path]) -> dict[str, str]:
    """The lighter generators among `paths`: name to the style whose card names it as `lighter`.

    They are not styles of their own: a run uses them when it must, to hold its frame rate.
    """
    return lighter_among(readable_cards(paths), paths)


def lighter_among(cards: Mapping[str, StyleCard], names: Container[str]) -> dict[str, str]:
    """Like `lighter_styles`, of cards that are loaded already; `names` are all that exist."""
    return {
        card.lighter: name
        for name, card in cards.items()
        if card.lighter is not None and card.lighter in names
    }


def find_style(name: str, folders: list[Path] | None = None) -> StyleCard:
    """The card of a style by its name, or of a graph by its path (anything ending in .onnx).

    Raises UsageError, with the nearest name, for an unknown one; ModelError for a damaged file.
    """
    if name.endswith(".onnx"):
        return load_card(Path(name))
    return load_card(lookup("style", name, style_paths(folders)))
