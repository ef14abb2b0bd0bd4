"""What went wrong last, in one line, for whoever watches a face without a terminal."""

import time
from collections.abc import Callable
from typing import NamedTuple

SHOWN = 5.0
"""Seconds for which the window shows a notice."""


class Notice(NamedTuple):
    """A line about a failure; `number` counts them, so that equal lines can be told apart."""

    number: int
    text: str


class Notices:
    """Holds the newest notice. Any thread may post or ask."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._newest: tuple[Notice, float] | None = None

    def post(self, text: str) -> None:
        number = 1 if self._newest is None else self._newest[0].number + 1
        self._newest = Notice(number, text), self._clock()

    @property
    def newest(self) -> Notice | None:
        return None if self._newest is None else self._newest[0]

    @property
    def shown(self) -> str | None:
        """The newest text if it is at most SHOWN seconds old."""
        if self._newest is None or self._clock() - self._newest[1] > SHOWN:
            return None
        return self._newest[0].text
