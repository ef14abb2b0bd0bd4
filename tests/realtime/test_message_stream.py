"""Messages whose reader stops or vanishes."""

import io
import threading

import pytest

from realtime import message_stream
from realtime.message_stream import WAITING, MessageStream


def test_what_is_written_comes_out_in_order_by_the_close():
    out = io.StringIO()
    stream = MessageStream(out)
    for number in range(100):
        stream.write(f"{number}\n")
    stream.close()
    stream.close()
    assert out.getvalue() == "".join(f"{number}\n" for number in range(100))


@pytest.mark.parametrize("error", [BrokenPipeError(), OSError(5, "Input/output error")])
def test_a_reader_that_is_gone_is_no_error(error: OSError):
    tries: list[str] = []

    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            tries.append(text)
            raise error

    stream = MessageStream(Gone())
    for text in ("first", "second"):
        assert stream.write(text) == len(text)
    stream.close()
    assert tries == ["first", "second"]


def test_a_reader_that_stops_blocks_nobody(monkeypatch):
    monkeypatch.setattr(message_stream, "CLOSE_TIMEOUT", 0.05)
    gate = threading.Event()

    class Stopped(io.StringIO):
        def write(self, text: str) -> int:
            assert gate.wait(10)
            return super().write(text)

    out = Stopped()
    stream = MessageStream(out)
    for number in range(3 * WAITING):
        stream.write(f"{number}\n")
    stream.close()
    gate.set()
    stream._thread.join(10)
    assert 1 <= out.getvalue().count("\n") <= WAITING + 1
    assert out.getvalue().startswith("0\n")
