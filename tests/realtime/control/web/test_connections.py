"""Strangers: how many connections they get, and for how long; what they learn from errors."""

import asyncio
import contextlib
import gc
import logging
import socket
import time

import aiohttp
import pytest

from realtime.control.state import Settings, SettingsStore
from realtime.control.web import connections
from realtime.control.web.connections import OneLine
from realtime.control.web.server import HEADERS, ControlServer
from tests.realtime.fakes import wait_until


@pytest.fixture
def server():
    server = ControlServer(SettingsStore(Settings(styles=("one",), style="one")), host="127.0.0.1")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def connect(server):
    """Opens plain connections; all are closed at the end."""
    with contextlib.ExitStack() as stack:

        def connect(sent: bytes = b"") -> socket.socket:
            stranger = stack.enter_context(
                socket.create_connection(("127.0.0.1", server.access.port), timeout=10)
            )
            stranger.sendall(sent)
            return stranger

        yield connect


def is_closed(stranger: socket.socket) -> bool:
    """Whether the server has closed the connection; waits for what it says."""
    try:
        while stranger.recv(65536):
            pass
    except TimeoutError:
        return False
    except ConnectionError:
        return True
    return True


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\nHost: 127"], ids=["idle", "slow"])
def test_who_sends_no_whole_request_is_disconnected(connect, monkeypatch, sent):
    monkeypatch.setattr(connections, "REQUEST_TIME", 0.1)
    assert is_closed(connect(sent))


def test_after_a_request_the_connection_is_kept_only_for_a_while(server, connect, monkeypatch):
    monkeypatch.setattr(connections, "REQUEST_TIME", 0.3)
    request = f"GET /page.css HTTP/1.1\r\nHost: 127.0.0.1:{server.access.port}\r\n\r\n".encode()
    stranger = connect(request)
    assert stranger.recv(15) == b"HTTP/1.1 200 OK"
    assert is_closed(stranger)


def test_one_address_gets_so_many_connections_and_new_ones_when_it_closes_some(
    connect, server, monkeypatch
):
    monkeypatch.setattr(connections, "is_loopback", lambda host: False)
    monkeypatch.setattr(connections, "MOST_FROM_ONE", 3)
    first = [connect() for _ in range(3)]
    wait_until(lambda: len(server._limits._open) == 3)
    assert is_closed(connect())
    first[0].close()
    wait_until(lambda: len(server._limits._open) == 2)
    fourth = connect(b"GET / HTTP/1.1\r\n\r\n")
    assert fourth.recv(6) == b"HTTP/1"


def test_in_all_there_are_so_many_even_on_loopback(connect, server, monkeypatch):
    monkeypatch.setattr(connections, "MOST", 5)
    for _ in range(5):
        connect()
    wait_until(lambda: len(server._limits._open) == 5)
    assert is_closed(connect())


def test_who_never_reads_is_disconnected(server, connect, monkeypatch):
    monkeypatch.setattr(connections, "STALL", 0.1)
    connect(
        (
            f"GET /ws HTTP/1.1\r\nHost: 127.0.0.1:{server.access.port}\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
        ).encode()
    )
    wait_until(lambda: server.has_viewers)
    end = time.monotonic() + 10
    while server.has_viewers and time.monotonic() < end:
        server.publish(bytes(500_000) + str(time.monotonic()).encode())
        time.sleep(0.02)
    assert not server.has_viewers


def test_stopping_disconnects_who_still_has_answers_to_read(server, connect):
    """Else the transport outlives its loop, and its socket stays open until it is collected."""
    request = f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{server.access.port}\r\n\r\n".encode()
    stranger = connect(2_000 * request)
    assert stranger.recv(1)
    time.sleep(0.5)  # until no more answers fit on the way
    server.stop()
    gc.collect()  # pytest fails a test that leaves a socket behind
    assert is_closed(stranger)


@pytest.mark.parametrize(
    "sent",
    [b"\x16\x03\x01 hello\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/1.1\r\nHost\x00: a\r\n\r\n"],
)
def test_malformed_requests_leave_no_word_in_the_terminal(connect, caplog, sent):
    with caplog.at_level(logging.WARNING):
        assert is_closed(connect(sent))
    assert caplog.text == ""


def test_an_error_of_ours_is_one_line():
    record = logging.LogRecord("x", 40, "f", 1, "Error handling request", (), None)
    try:
        raise ValueError("a bug")
    except ValueError as error:
        record.exc_info = (type(error), error, error.__traceback__)
    assert OneLine().filter(record)
    assert record.getMessage() == "Error handling request: ValueError: a bug"
    assert record.exc_info is None


@pytest.mark.parametrize(
    ("path", "host", "status"),
    [("", None, 200), ("nothing", None, 404), ("", "evil.example", 403), ("metrics", None, 404)],
)
def test_every_answer_has_the_same_headers(server, path, host, status):
    async def run() -> None:
        headers = {"Host": host} if host else {}
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"{server.url}{path}", headers=headers) as response,
        ):
            assert response.status == status
            assert {key: response.headers.get(key) for key in HEADERS} == HEADERS

    asyncio.run(run())
