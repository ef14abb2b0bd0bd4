"""Takes another style by itself: the shuffle, and a kiosk that nobody uses."""

import random
import time
from collections.abc import Callable, Sequence

from realtime.control.state import SettingsStore
from realtime.control.verbs import choose

ATTRACT_PERIOD = 8.0
"""Seconds between styles while a kiosk waits for somebody."""


class StyleRotation:
    """Changes the style every `shuffle` s of the settings, by chance. One thread calls `tick`.

    A shuffle that somebody begins during the run changes it at once, too.

    With `attract` above 0, it does so too once nothing was changed for that many seconds: a
    kiosk shows what it can do. The first thing that anybody changes ends that.
    """

    def __init__(
        self,
        box: SettingsStore,
        *,
        attract: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
        pick: Callable[[Sequence[str]], str] = random.choice,
    ) -> None:
        self._box, self._attract, self._clock, self._pick = box, attract, clock, pick
        self._seen = box.current
        self._touched = self._changed = clock()

    def tick(self) -> None:
        """Change the style if it is time to. To be called several times a second."""
        settings, now = self._box.current, self._clock()
        if settings is not self._seen:
            before, self._seen, self._touched = self._seen, settings, now
            if (before.style, before.shuffle) != (settings.style, settings.shuffle):
                begun = settings.shuffle and not before.shuffle
                self._changed = now - settings.shuffle if begun else now
        period = settings.shuffle
        if not period and self._attract and now - self._touched >= self._attract:
            period = ATTRACT_PERIOD
        others = [
            name for name in settings.styles if name not in (settings.style, *settings.refused)
        ]
        held = settings.paused or settings.blank
        if not period or now - self._changed < period or not others or held:
            return
        style = self._pick(others)
        self._seen, self._changed = self._box.apply(lambda s: choose(s, style)), now
