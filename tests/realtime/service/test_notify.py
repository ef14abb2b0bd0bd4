"""What systemd is told over its socket: ready once, alive as long as it is, ending."""

import socket
from pathlib import Path

import pytest

from realtime.service.notify import SystemdNotifier
from tests.realtime.fakes import wait_until


@pytest.fixture
def systemd(tmp_path: Path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
        server.bind(str(tmp_path / "notify"))
        server.settimeout(10)
        yield server


def environment(systemd: socket.socket) -> dict[str, str]:
    return {"NOTIFY_SOCKET": systemd.getsockname(), "WATCHDOG_USEC": "40000"}


def test_ready_then_fed_then_stopping(systemd):
    notifier = SystemdNotifier(lambda: True, lambda: "30 frames/s", environment(systemd))
    notifier.start()
    assert systemd.recv(1000) == b"READY=1\nWATCHDOG=1\nSTATUS=30 frames/s"
    assert systemd.recv(1000) == b"WATCHDOG=1\nSTATUS=30 frames/s"
    notifier.stop()
    last = b""
    while last != b"STOPPING=1":
        last = systemd.recv(1000)
    notifier.stop()


def test_a_run_that_hangs_is_not_said_to_be_alive(systemd):
    asked: list[int] = []

    def alive() -> bool:
        asked.append(1)
        return len(asked) == 1

    notifier = SystemdNotifier(alive, lambda: "", environment(systemd))
    notifier.start()
    assert systemd.recv(1000).startswith(b"READY=1")
    wait_until(lambda: len(asked) > 3)
    notifier.stop()
    assert systemd.recv(1000) == b"STOPPING=1"


def test_without_systemd_nothing_is_done():
    notifier = SystemdNotifier(lambda: True, lambda: "", {})
    notifier.start()
    assert notifier._thread is None
    notifier.stop()
