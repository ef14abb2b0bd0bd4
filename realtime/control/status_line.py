"""The last line of the terminal: the state of the run, updated in place, below all messages."""

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import IO

from realtime.control.hotkeys import legend
from realtime.control.monitor import Monitor
from realtime.control.overlay import lost_text, marks
from realtime.control.state import Settings

CLEAR = "\r\x1b[K"
"""Back to the start of the line, which is then erased."""
REFRESH = 1.0
"""Seconds between two updates of rate, recording time and lost source."""


class StatusLine:
    """Shows one line that `show` replaces; `message` prints above it. Any thread may call both.

    On a file that is no terminal, nothing can be replaced: each new text is a line of its own.
    `width` gives the columns of the terminal now. A text that is too long is cut.
    """

    def __init__(self, out: IO[str], width: Callable[[], int]) -> None:
        self._out, self._width = out, width
        self._lock = threading.Lock()
        self.in_place = out.isatty()
        self._text = ""

    def show(self, text: str) -> None:
        """Make `text` the line; an empty text removes it."""
        with self._lock:
            if text == self._text:
                return
            self._text = text
            if self.in_place:
                self._write(CLEAR + self._fitting())
            elif text:
                self._write(text + "\n")

    def message(self, say: Callable[[], None]) -> None:
        """Let `say` print whole lines, above the status line."""
        with self._lock:
            if not (self.in_place and self._text):
                say()
                return
            self._write(CLEAR)
            say()
            self._write(self._fitting())

    def _fitting(self) -> str:
        return self._text[: max(1, self._width() - 1)]

    def _write(self, text: str) -> None:
        self._out.write(text)
        self._out.flush()


class StatusReporter:
    """Keeps the status line of a run: after each key, and in a terminal every second from then on.

    While the source is lost, a terminal shows the line even if no key was pressed.
    """

    def __init__(
        self, line: StatusLine, settings: Callable[[], Settings], monitor: Monitor
    ) -> None:
        self._line, self._settings, self._monitor = line, settings, monitor
        self._stop = threading.Event()
        self._pressed = threading.Event()
        self._recording_since: float | None = None
        self._counts: deque[tuple[float, int]] = deque(maxlen=4)
        self._thread = threading.Thread(target=self._run, name="status line", daemon=True)

    def __enter__(self) -> "StatusReporter":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._pressed.set()
        self._thread.join(timeout=1.0)
        self._line.show("")

    def key_pressed(self) -> None:
        """Show the state as it is now."""
        self._pressed.set()

    def _run(self) -> None:
        shown = False
        self._rate(time.monotonic())
        while True:
            pressed = self._pressed.wait(REFRESH)
            self._pressed.clear()
            if self._stop.is_set():
                return
            shown = shown or pressed or self._monitor.lost_for is not None
            text = self._text()
            if pressed or (shown and self._line.in_place):
                self._line.show(text)

    def _text(self) -> str:
        settings, now = self._settings(), time.monotonic()
        if not settings.recording:
            self._recording_since = None
        elif self._recording_since is None:
            self._recording_since = now
        since = self._recording_since
        recorded = None if since is None else now - since
        return describe(
            settings,
            fps=self._rate(now),
            effort=self._monitor.effort.words(),
            recorded=recorded,
            lost_for=self._monitor.lost_for,
        )

    def _rate(self, now: float) -> float:
        """Frames/s of the last few seconds."""
        count = self._monitor.figures().frames_out
        before, count_before = self._counts[0] if self._counts else (now, count)
        # Keys may follow each other quickly, but the rate needs some time.
        if not self._counts or now - self._counts[-1][0] >= REFRESH / 2:
            self._counts.append((now, count))
        return (count - count_before) / max(1e-3, now - before)


def describe(
    settings: Settings, *, fps: float, effort: str, recorded: float | None, lost_for: float | None
) -> str:
    """The state in one line: style, strength, rate, and whatever differs from the defaults.

    `effort` is what the painting is spared, in words (empty: nothing).
    `recorded` is for how many seconds a recording has run; None if none runs.
    """
    told = [settings.style, f"{settings.strength * 100:.0f} %", f"{fps:.1f} frames/s"]
    told += [effort] if effort else []
    told += marks(settings)
    told += [f"recording {recorded:.0f} s"] if recorded is not None else []
    told += [lost_text(lost_for)] if lost_for is not None else []
    told += ["quitting"] if settings.quit else []
    return "  ".join(told)


def key_lines() -> list[str]:
    """The keys and what they do, a line each."""
    return [f"  {keys:12} {label}" for keys, label in legend()]
