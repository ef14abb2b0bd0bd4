"""Tells systemd that the run is ready, alive or ending: one datagram each to $NOTIFY_SOCKET."""

import os
import socket
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress

PERIOD = 5.0
"""Seconds between two reports, or half of what the watchdog asks for."""


class SystemdNotifier:
    """A `Service` of the pipeline. `alive` says whether pictures are being painted or waited for.

    As long as it does, the watchdog is fed; when it does not, systemd restarts the process.
    `about` gives a line for `systemctl status`.
    """

    def __init__(
        self,
        alive: Callable[[], bool],
        about: Callable[[], str],
        environment: Mapping[str, str] = os.environ,
    ) -> None:
        self._alive, self._about = alive, about
        self._address = environment.get("NOTIFY_SOCKET", "")
        watchdog = environment.get("WATCHDOG_USEC", "")
        self._period = min(PERIOD, int(watchdog) / 2e6) if watchdog.isdecimal() else PERIOD
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        if self._address and self._thread is None:
            self._thread = threading.Thread(target=self._run, name="systemd", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        if self._thread is None:
            return
        self._stop.set()
        self._thread.join(1.0)
        self._thread = None
        self._send("STOPPING=1")

    def _run(self) -> None:
        ready = False
        while not self._stop.is_set():
            if self._alive():
                first = "" if ready else "READY=1\n"
                self._send(f"{first}WATCHDOG=1\nSTATUS={self._about()}")
                ready = True
            self._stop.wait(self._period if ready else 0.1)

    def _send(self, text: str) -> None:
        address = self._address
        if address.startswith("@"):  # the abstract name space of Linux
            address = "\0" + address[1:]
        with (
            suppress(OSError),  # nobody listens any more
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out,
        ):
            out.sendto(text.encode(), address)
