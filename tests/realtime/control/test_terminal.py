"""Keys from a real pseudo-terminal, read by a real process, which must leave it as it was."""

import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.control.terminal import TerminalKeys, decode

posix = pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals are POSIX")

READER = """
import fcntl, signal, sys, termios, threading
from realtime.control.terminal import TerminalKeys

fcntl.ioctl(0, termios.TIOCSCTTY, 0)
if "background" in sys.argv:
    import os
    child = os.fork()
    if child:
        os._exit(os.waitpid(child, 0)[1])
    os.setpgid(0, 0)
done = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))

def on_key(key):
    sys.stderr.write(key + "\\n")
    sys.stderr.flush()
    if key == "q":
        done.set()

with TerminalKeys(on_key):
    sys.stderr.write("ready\\n")
    sys.stderr.flush()
    if "background" in sys.argv:
        done.wait(1)
    while not done.wait(0.02) and "background" not in sys.argv:
        pass
    if "raise" in sys.argv:
        raise ValueError("on purpose")
"""


class Terminal:
    """The far end of a pseudo-terminal with the reader process on its near end."""

    def __init__(self, *arguments: str) -> None:
        self.far, self.near = os.openpty()
        self.before = self.mode()
        self.process = subprocess.Popen(
            [sys.executable, "-c", READER, *arguments],
            stdin=self.near,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        assert self.line() == "ready"

    def mode(self) -> list:
        import termios

        return termios.tcgetattr(self.near)

    def type(self, data: bytes) -> None:
        deadline = time.monotonic() + 10
        while self.mode()[3] == self.before[3]:  # not in single-key mode yet
            assert time.monotonic() < deadline
            time.sleep(0.01)
        os.write(self.far, data)

    def line(self) -> str:
        assert self.process.stderr
        assert select.select([self.process.stderr], [], [], 10)[0], "no line within 10 s"
        # one byte at a time: a buffered read would hide later lines from select
        line = b""
        while not line.endswith(b"\n"):
            line += os.read(self.process.stderr.fileno(), 1)
        return line.decode().strip()

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self.process.stderr.close()
        os.close(self.far)
        os.close(self.near)


@pytest.fixture
def terminal(request):
    terminal = Terminal(*getattr(request, "param", ()))
    yield terminal
    terminal.close()


@posix
def test_keys_arrive_one_by_one_without_enter(terminal):
    terminal.type(b"n1+ ")
    assert [terminal.line() for _ in range(4)] == ["n", "1", "+", "space"]
    terminal.type(b"\x1b[C\x1bOD")
    assert [terminal.line() for _ in range(2)] == ["right", "left"]
    terminal.type(b"\x1b")
    assert terminal.line() == "esc"


@posix
def test_an_arrow_that_arrives_in_two_parts_is_not_the_escape_key(terminal):
    terminal.type(b"\x1b")
    terminal.type(b"[C")
    assert terminal.line() == "right"


@posix
@pytest.mark.parametrize("terminal", [(), ("raise",)], indirect=True)
def test_the_terminal_is_as_before_however_it_ends(terminal):
    terminal.type(b"q")
    assert terminal.line() == "q"
    terminal.process.wait(10)
    assert terminal.mode() == terminal.before


@posix
def test_the_terminal_is_as_before_after_a_shutdown_by_sigterm(terminal):
    terminal.type(b"n")
    assert terminal.line() == "n"
    terminal.process.send_signal(signal.SIGTERM)
    assert terminal.process.wait(10) == 0
    assert terminal.mode() == terminal.before


@posix
@pytest.mark.parametrize("terminal", [("background",)], indirect=True)
def test_in_the_background_it_neither_stops_nor_touches_the_terminal(terminal):
    assert terminal.process.wait(10) == 0
    assert terminal.mode() == terminal.before


def test_without_a_terminal_it_does_nothing(monkeypatch):
    with Path(os.devnull).open() as nothing:
        monkeypatch.setattr(sys, "stdin", nothing)
        with TerminalKeys(lambda key: pytest.fail(f"key {key}")):
            pass
    monkeypatch.setattr(sys, "stdin", None)
    with TerminalKeys(lambda key: pytest.fail(f"key {key}")):
        pass


@pytest.mark.parametrize(
    ("data", "keys"),
    [
        (b"\x1b[1;5C", ["right"]),
        (b"\x1b[A\x1b[3~", []),
        (b"\x1b\x1b", ["esc", "esc"]),
        (b"\x1bn", ["esc", "n"]),
        ("é\t\n".encode(), []),
    ],
)
def test_sequences_are_decoded(data, keys):
    assert decode(data) == keys


@given(st.binary(max_size=40))
def test_no_bytes_break_the_decoder(data):
    assert all(key.isascii() and key for key in decode(data))


@given(st.lists(st.sampled_from([b"n", b" ", b"\x1b[C", b"\x1bOD", b"-", b"\x1b[1;2D"])))
def test_keys_typed_in_one_burst_are_all_found(parts):
    assert decode(b"".join(parts)) == [key for part in parts for key in decode(part)]
