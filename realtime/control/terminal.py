"""Reads single keys from the terminal, without Enter. Knows key names, not what they do."""

import atexit
import contextlib
import os
import re
import sys
import threading
from collections.abc import Callable

OnKey = Callable[[str], None]

_POLL = 0.2
"""Seconds between checks whether we are in the foreground and whether to stop."""
_ESCAPE_WAIT = 0.05
"""Seconds to wait after an escape byte for the rest of an arrow's sequence."""
_SEQUENCE = re.compile(rb"\x1b(?:\[[0-9;?]*[@-~]|O[@-~])")
_ARROWS = {b"C": "right", b"D": "left"}
_NAMED = {b" ": "space", b"\x1b": "esc"}


def decode(data: bytes) -> list[str]:
    """The key names in bytes from a POSIX terminal; keys without a name here are left out.

    A lone escape byte is the Esc key; an arrow is escape, "[" or "O", perhaps modifiers, and a
    letter.
    """
    keys, place = [], 0
    while place < len(data):
        sequence = _SEQUENCE.match(data, place)
        byte = data[place : place + 1]
        if sequence:
            key = _ARROWS.get(sequence.group()[-1:])
        else:
            key = _NAMED.get(byte) or (byte.decode() if b"!" <= byte <= b"~" else None)
        keys += [key] if key else []
        place = sequence.end() if sequence else place + 1
    return keys


class TerminalKeys:
    """While open, a thread passes every typed key to `on_key`; without a terminal, nothing happens.

    The terminal's own mode is restored on close, or at the latest when Python exits. Ctrl-C and
    Ctrl-Z keep their meaning. In the background nothing is read: reading would stop the process.
    """

    def __init__(self, on_key: OnKey) -> None:
        self._on_key = on_key
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._restore: Callable[[], None] | None = None

    def __enter__(self) -> "TerminalKeys":
        self.open()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def open(self) -> None:
        """Start reading if standard input is a terminal."""
        if sys.stdin is None or sys.stdin.closed or not sys.stdin.isatty():
            return
        read = self._read_windows if sys.platform == "win32" else self._read_posix
        if sys.platform != "win32":
            self._restore = _saved_mode(sys.stdin.fileno())
            atexit.register(self._restore)
        self._thread = threading.Thread(target=read, name="terminal keys", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop reading and restore the terminal's own mode. May be called twice."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=1.0)
            self._thread = None
        if self._restore is not None:
            self._restore()
            atexit.unregister(self._restore)
            self._restore = None

    def _read_posix(self) -> None:
        import termios

        fd = sys.stdin.fileno()
        with contextlib.suppress(OSError, termios.error):  # the terminal is gone: no more keys
            while not self._stop.is_set():
                if not _in_foreground(fd):
                    self._stop.wait(_POLL)
                    continue
                _keep_cbreak(fd)
                if not _input_ready(fd, _POLL):
                    continue
                data = os.read(fd, 64)
                if not data:
                    return
                if data[-1:] == b"\x1b" and _input_ready(fd, _ESCAPE_WAIT):
                    data += os.read(fd, 64)
                self._pass_on(decode(data))

    def _read_windows(self) -> None:
        if sys.platform == "win32":
            import msvcrt

            while not self._stop.wait(0.03):
                while msvcrt.kbhit():
                    typed = msvcrt.getwch()
                    if typed in "\x00\xe0":  # the first half of an arrow or function key
                        arrow = {"M": "right", "K": "left"}.get(msvcrt.getwch())
                        self._pass_on([arrow] if arrow else [])
                    elif typed.isascii():
                        self._pass_on(decode(typed.encode()))

    def _pass_on(self, keys: list[str]) -> None:
        for key in keys:
            if not self._stop.is_set():
                self._on_key(key)


def _in_foreground(fd: int) -> bool:
    if sys.platform == "win32":
        return True
    try:
        return os.tcgetpgrp(fd) == os.getpgrp()
    except OSError:  # not our controlling terminal: no job control that could stop us
        return True


def _input_ready(fd: int, timeout: float) -> bool:
    import select

    return bool(select.select([fd], [], [], timeout)[0])


def _keep_cbreak(fd: int) -> None:
    """Set keys to come at once and without echo; a shell may undo that after Ctrl-Z and fg."""
    if sys.platform != "win32":
        import termios
        import tty

        if termios.tcgetattr(fd)[3] & (termios.ICANON | termios.ECHO):
            tty.setcbreak(fd, termios.TCSADRAIN)


def _saved_mode(fd: int) -> Callable[[], None]:
    """A function that restores the terminal's present mode."""
    import termios

    if sys.platform == "win32":
        raise AssertionError("only POSIX terminals have a mode")
    mode = termios.tcgetattr(fd)

    def restore() -> None:
        with contextlib.suppress(OSError, termios.error):
            if _in_foreground(fd):  # in the background this would stop the process
                termios.tcsetattr(fd, termios.TCSADRAIN, mode)

    return restore
