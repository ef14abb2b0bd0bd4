"""The styles of one run: those of the catalogue, a model file, and mixtures made while it runs."""

import shutil
import tempfile
from pathlib import Path

from models.card import StyleCard, load_card, write_card
from models.catalogue import lighter_among, style_paths
from models.errors import StylecamError, lookup
from models.system.atomic_file import write_bytes_atomically
from realtime.control.state import MIXTURE


class RunCatalogue:
    """The catalogue of one run. A model file that is given by its path comes first.

    `paths` are the styles that the user can step through, `titles` what their cards call them, and
    `previews` their pictures. Lighter generators are not among them, except one that was asked for
    by name.
    """

    def __init__(self, wanted: str) -> None:
        self._given: dict[str, Path] = {}
        self.first = wanted
        if wanted.endswith(".onnx"):
            card = load_card(Path(wanted))
            self._given = {card.name: card.path}
            if card.lighter and (beside := card.path.with_name(f"{card.lighter}.onnx")).is_file():
                self._given |= {card.lighter: beside}
            self.first = card.name
        self.titles: dict[str, str] = {}
        self.previews: dict[str, Path] = {}
        self._refused: frozenset[str] = frozenset()
        self._cards: dict[Path, tuple[list[tuple[int, int] | None], StyleCard]] = {}
        self._all = self._found()
        lookup("style", self.first, self._all)
        self._take(self._readable()[0])
        self._mixtures: Path | None = None

    def _found(self) -> dict[str, Path]:
        others = {name: path for name, path in style_paths().items() if name not in self._given}
        return {**self._given, **others}

    def _take(self, cards: dict[str, StyleCard]) -> None:
        hidden = lighter_among(cards, self._all).keys() - {self.first}
        self.paths = {name: path for name, path in self._all.items() if name not in hidden}
        self.titles.update({name: card.title for name, card in cards.items()})
        self.previews.update({name: path.with_suffix(".jpg") for name, path in self.paths.items()})

    def refresh(self) -> list[str]:
        """Look for styles again; give the reason for each new one that cannot be used."""
        self._all = self._found()
        cards, problems = self._readable()
        self._take(cards)
        self.paths = {name: path for name, path in self.paths.items() if name in cards}
        news = [text for name, text in problems.items() if name not in self._refused]
        self._refused = frozenset(problems)
        return news

    def _readable(self) -> tuple[dict[str, StyleCard], dict[str, str]]:
        """The cards of all styles by name, and why others have none."""
        cards, problems = {}, {}
        for name, path in self._all.items():
            try:
                cards[name] = self._card(path)
            except StylecamError as error:
                problems[name] = f"{error}; it is left out"
        return cards, problems

    def _card(self, path: Path) -> StyleCard:
        """The card of the graph at `path`, read again only if a file of the style has changed.

        Reading one takes half as long as painting a frame, which would have to wait.
        """
        files = [_state_of(path), _state_of(path.with_suffix(".yaml"))]
        known = self._cards.get(path)
        if known is not None and known[0] == files:
            return known[1]
        card = load_card(path)
        self._cards[path] = (files, card)
        return card

    def find(self, name: str) -> StyleCard:
        """The card of a style, or of a mixture (control/state.py), which is made now.

        Raises UsageError for an unknown style; ModelError for a damaged file, and for styles that
        cannot be mixed.
        """
        mixture = MIXTURE.fullmatch(name)
        if mixture is None:
            return self._card(lookup("style", name, self._all))
        parts = [self.find(mixture["first"]), self.find(mixture["second"])]
        return self._mixed(parts, int(mixture["percent"]) / 100)

    def start(self) -> None:
        """Nothing: folders are made when they are needed."""

    def stop(self) -> None:
        """Remove the files of mixtures. May be called twice."""
        if self._mixtures is not None:
            shutil.rmtree(self._mixtures, ignore_errors=True)
            self._mixtures = None

    def _mixed(self, parts: list[StyleCard], share: float) -> StyleCard:
        from models.blend import blend

        name = f"{parts[0].name}-{parts[1].name}"
        model, card = blend(parts, [1 - share, share], name)
        if self._mixtures is None:
            self._mixtures = Path(tempfile.mkdtemp(prefix="stylecam-"))
        path = self._mixtures / f"{name}.onnx"
        write_bytes_atomically(path, model.SerializeToString(), error=StylecamError)
        write_card(card, path)
        return load_card(path)


def _state_of(path: Path) -> tuple[int, int] | None:
    """Time and size, which differ once the file is another one; None if it is missing."""
    try:
        state = path.stat()
    except OSError:
        return None
    return state.st_mtime_ns, state.st_size
