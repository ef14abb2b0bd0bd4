"""The control socket as its clients see it: who gets in, what is refused, and what is bounded."""

import json
import os
import shutil
import socket
import stat
import sys
import tempfile
import threading
from pathlib import Path

import platformdirs
import pytest

from models.errors import UsageError
from realtime.control import protocol
from realtime.control.local.client import NoRun, ask, find_run, running
from realtime.control.local.endpoint import connect, endpoint_files
from realtime.control.local.server import MOST_CLIENTS, THREAD, ControlSocket
from realtime.control.state import Settings, SettingsStore
from tests.realtime.fakes import wait_until


@pytest.fixture
def box() -> SettingsStore:
    return SettingsStore(Settings(styles=("one", "two"), style="one"))


@pytest.fixture
def folder(monkeypatch):
    """A short one: the path of a UNIX socket may have about 100 characters."""
    folder = Path(tempfile.mkdtemp())
    monkeypatch.setattr(platformdirs, "user_runtime_path", lambda *_: folder / "run")
    yield folder / "run"
    shutil.rmtree(folder)


UNIX = pytest.param(True, marks=pytest.mark.skipif(sys.platform == "win32", reason="no sockets"))


@pytest.fixture(params=[UNIX, False], ids=["unix", "loopback"])
def server(box, folder, request):
    server = ControlSocket(
        box,
        status=lambda: {"process": os.getpid(), "source": "demo"},
        on_message=pytest.fail,
        unix=request.param,
    )
    server.start()
    yield server
    server.stop()
    assert not endpoint_files()
    assert not [thread for thread in threading.enumerate() if thread.name == THREAD]


@pytest.fixture
def path(server) -> Path:
    [path] = endpoint_files()
    return path


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
def test_only_the_user_can_reach_it(path):
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_request_is_applied_before_it_is_answered(path, box):
    assert ask(path, {"style": "two"})["state"]["style"] == "two"
    assert box.current.style == "two"
    assert ask(path, {"verb": "mirror"})["state"]["on"] == ["mirror"]
    assert ask(path, {"strength": 0.5})["state"]["strength"] == 0.5


def test_the_status_has_the_state_and_what_the_run_tells(path):
    status = ask(path, {"get": "status"})["status"]
    assert status["source"] == "demo"
    assert status["state"]["style"] == "one"
    assert running() == {path: status}
    assert find_run(None) == find_run(os.getpid()) == path
    with pytest.raises(NoRun, match="no running stylecam with process 1 found"):
        find_run(1)


@pytest.mark.parametrize(
    "line",
    [
        b"nonsense",
        b"[]",
        b'{"fly": 1}',
        b'{"style": "three"}',
        b'{"verb": "next", "x": 1}',
        b'{"get": "secrets"}',
        b"\xff\xfe",
        b"[" * 900,
    ],
)
def test_anything_else_is_refused_and_the_connection_goes_on(path, box, line):
    before = box.current
    with connect(path) as client, client.makefile("rb") as answers:
        client.sendall(line + b"\n")
        assert list(json.loads(answers.readline())) == ["error"]
        assert box.current is before
        client.sendall(b'{"verb": "next"}\n')
        assert json.loads(answers.readline())["state"]["style"] == "two"


def test_a_long_line_ends_the_connection(path, box):
    with connect(path) as client, client.makefile("rb") as answers:
        client.sendall(b" " * (2 * protocol.LARGEST) + b"\n")
        assert "bytes at most" in json.loads(answers.readline())["error"]
        with pytest.raises(ConnectionResetError):
            assert not answers.readline()
            raise ConnectionResetError
    assert ask(path, {"verb": "next"})["state"]["style"] == "two"


def test_clients_are_many_but_not_without_limit(path):
    clients = [connect(path) for _ in range(MOST_CLIENTS)]
    try:
        for client in clients:  # every one is served
            client.sendall(b'{"get": "status"}\n')
            assert b"status" in client.recv(4096)
        with pytest.raises(UsageError, match="too many clients"):
            ask(path, {"get": "status"})
    finally:
        for client in clients:
            client.close()
    wait_until(running)


def test_a_client_that_never_reads_does_not_delay_the_others(path):
    with connect(path) as deaf:
        deaf.setblocking(False)
        try:
            while True:
                deaf.send(b'{"get": "status"}\n')
        except BlockingIOError:
            pass
        assert ask(path, {"style": "two"})["state"]["style"] == "two"


@pytest.mark.parametrize("server", [False], indirect=True)
def test_over_loopback_a_token_is_needed(path, box):
    port = json.loads(path.read_text())["port"]
    with socket.create_connection(("127.0.0.1", port), 5) as client:
        client.sendall(b'guess\n{"verb": "quit"}\n')
        assert b"wrong token" in client.recv(4096)
    assert not box.current.quit


@pytest.mark.skipif(sys.platform == "win32", reason="UNIX sockets")
def test_what_a_killed_run_left_is_no_run_and_is_removed(folder):
    folder.mkdir()
    dead = socket.socket(socket.AF_UNIX)
    dead.bind(str(folder / "123456.sock"))
    dead.close()
    with pytest.raises(NoRun, match="no running stylecam found; start one"):
        find_run(None)
    assert not endpoint_files()


@pytest.mark.skipif(sys.platform == "win32", reason="UNIX sockets")
def test_a_run_goes_on_where_no_socket_can_be_made(box, folder, monkeypatch):
    folder.write_text("a file where the folder should be")
    said: list[str] = []
    server = ControlSocket(box, status=dict, on_message=said.append)
    server.start()
    server.stop()
    assert len(said) == 1
    assert str(folder) in said[0]
