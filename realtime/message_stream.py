"""Where messages to the user are written: a stream whose reader may stop or vanish."""

import contextlib
import queue
import threading
from typing import TextIO

WAITING = 1000
"""Texts that may wait for a reader who has stopped (Ctrl-S); what comes after them is dropped."""
CLOSE_TIMEOUT = 1.0


class MessageStream:
    """Writes to `file` from a thread of its own, so that writing never blocks and never fails.

    A terminal that is gone, a closed pipe or one that nobody reads must not end or delay the
    threads that paint and record. `close` waits a second at most for what is still to be written.
    """

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._texts: queue.Queue[str | None] = queue.Queue(WAITING)
        self._abandoned = False
        self._thread = threading.Thread(target=self._write_all, name="messages", daemon=True)
        self._thread.start()

    def write(self, text: str) -> int:
        with contextlib.suppress(queue.Full):
            self._texts.put_nowait(text)
        return len(text)

    def flush(self) -> None:
        """Nothing to do: each text is flushed when it is written."""

    def isatty(self) -> bool:
        return self._file.isatty()

    @property
    def encoding(self) -> str:
        return self._file.encoding

    def fileno(self) -> int:
        return self._file.fileno()

    def close(self) -> None:
        """Write what is left, unless the reader has stopped. May be called twice."""
        try:
            self._texts.put(None, timeout=CLOSE_TIMEOUT)
        except queue.Full:
            self._abandoned = True
        self._thread.join(CLOSE_TIMEOUT)

    def _write_all(self) -> None:
        while not self._abandoned and (text := self._texts.get()) is not None:
            with contextlib.suppress(OSError, ValueError):  # ValueError: the file is closed
                self._file.write(text)
                self._file.flush()
