"""Keeps a virtual camera fed at a fixed rate, and opens it again when it fails."""

import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from models.pictures import RGB
from realtime.sinks.virtual_camera.fixed_rate import FixedRatePacer

log = logging.getLogger(__name__)

FIRST_BACKOFF = 0.25
LONGEST_BACKOFF = 5.0
"""Seconds between two attempts to open a camera that failed."""


class OpenCamera(Protocol):
    """What pyvirtualcam gives: an open camera. It may raise anything, or hang in a driver."""

    device: str

    def send(self, frame: RGB) -> None: ...
    def close(self) -> None: ...


class CameraSender:
    """Sends what the pacer gives to a camera, in a thread of its own that also closes it.

    `camera` is open already; None means that it must be opened first. After a failure `open_camera`
    is called until it works, with a back-off. `name` is how messages call it.
    """

    def __init__(
        self,
        name: str,
        pacer: FixedRatePacer[RGB],
        open_camera: Callable[[], OpenCamera],
        camera: OpenCamera | None,
    ) -> None:
        self._name, self._pacer, self._open_camera = name, pacer, open_camera
        self._camera = camera
        self._stop = threading.Event()
        self._busy_since: float | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    @property
    def busy_for(self) -> float:
        """Seconds for which one call into the driver has lasted; 0 between calls."""
        since = self._busy_since
        return 0.0 if since is None else time.monotonic() - since

    def stop(self, timeout: float) -> None:
        """Stop, and wait for `timeout` s. A thread that hangs closes its camera when it can."""
        self._stop.set()
        self._thread.join(timeout)

    def _run(self) -> None:
        while not self._stop.is_set():
            if self._camera is None:
                self._open_again()
                continue
            try:
                self._send()
            except Exception as error:  # drivers raise what they like
                log.warning(
                    "%s: the virtual camera failed (%s); opening it again", self._name, error
                )
            self._close()
        self._close()

    def _send(self) -> None:
        assert self._camera is not None
        while not self._stop.wait(self._pacer.delay()):
            rgb = self._pacer.tick()
            if rgb is not None:
                self._busy_since = time.monotonic()
                self._camera.send(rgb)
                self._busy_since = None

    def _close(self) -> None:
        camera, self._camera, self._busy_since = self._camera, None, None
        if camera is None:
            return
        for _ in range(2):  # what is left open is closed by the collector, which would complain
            with suppress(Exception):  # it failed already, or we are done with it
                camera.close()

    def _open_again(self) -> None:
        pause, began = FIRST_BACKOFF, time.monotonic()
        while not self._stop.wait(pause):
            self._busy_since = time.monotonic()
            try:
                self._camera = self._open_camera()
            except Exception as reason:
                log.debug("%s: not back yet: %s", self._name, reason)
            finally:
                self._busy_since = None
            if self._camera is not None:
                lost = time.monotonic() - began
                log.warning("%s: the virtual camera works again, after %.1f s", self._name, lost)
                return
            pause = min(2 * pause, LONGEST_BACKOFF)
