"""Whether somebody reads a camera. The module v4l2loopback tells of its readers by an event."""

import fcntl
import logging
import os
import select
import struct
import threading
from collections.abc import Callable
from typing import Protocol

log = logging.getLogger(__name__)

REREAD = 30.0
"""Seconds after which the number is read afresh: events get lost at times."""
CONFIRM = 1.0
"""Seconds after which "nobody" is read once more, before it is believed."""
POLL = 0.5

# linux/videodev2.h and v4l2loopback (0.13 or newer): the payload is a count of 32 bits.
SUBSCRIBE, DEQUEUE = 0x4020565A, 0x80885659
CLIENT_USAGE = 0x08000000 + 0x08E00000 + 1
SEND_INITIAL = 1
SUBSCRIPTION = struct.Struct("<III20x")
EVENT = struct.Struct("<I4xI124x")


class UsageHandle(Protocol):
    """An open device that tells how many read it."""

    def wait(self, timeout: float) -> int | None:
        """The number of readers if it is news; None if nothing came within `timeout` s."""
        ...

    def close(self) -> None: ...


class LoopbackHandle:
    """The device file at `device`. Raises OSError for one that tells nothing of its readers."""

    def __init__(self, device: str) -> None:
        self._file = os.open(device, os.O_RDWR | os.O_NONBLOCK)
        try:
            wish = SUBSCRIPTION.pack(CLIENT_USAGE, 0, SEND_INITIAL)
            fcntl.ioctl(self._file, SUBSCRIBE, wish)
        except OSError:
            self.close()
            raise
        self._poll = select.poll()
        self._poll.register(self._file, select.POLLPRI)

    def wait(self, timeout: float) -> int | None:
        if not self._poll.poll(timeout * 1000):
            return None
        kind, count = EVENT.unpack(fcntl.ioctl(self._file, DEQUEUE, bytes(EVENT.size)))
        return count if kind == CLIENT_USAGE else None

    def close(self) -> None:
        os.close(self._file)


class CameraUsage:
    """Watches a device in a thread of its own; `watched` says whether anybody reads it.

    A device that does not tell counts as watched, and so does one of which nothing is known yet.
    "Nobody" is believed only when two handles, one opened after the other, say so.
    """

    def __init__(
        self, device: str, open_handle: Callable[[str], UsageHandle] = LoopbackHandle
    ) -> None:
        self._device, self._open = device, open_handle
        self.watched = True
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"usage of {device}", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(2 * POLL)

    def _run(self) -> None:
        absences = 0
        while not self._stop.is_set():
            try:
                handle = self._open(self._device)
            except OSError as error:
                log.debug("%s: does not tell of its readers: %s", self._device, error)
                self.watched = True
                self._stop.wait(REREAD)
                continue
            try:
                absences = self._follow(handle, absences)
            except OSError as error:
                log.debug("%s: no word of its readers: %s", self._device, error)
                self.watched = True
                self._stop.wait(CONFIRM)
            finally:
                handle.close()

    def _follow(self, handle: UsageHandle, absences: int) -> int:
        """Follow one handle until it is time for a fresh one; returns the absences in a row."""
        waited, limit = 0.0, REREAD
        while not self._stop.is_set() and waited < limit:
            count = handle.wait(POLL)
            if count is None:
                waited += POLL
                continue
            if count > 0:
                self.watched, absences, limit = True, 0, REREAD
                continue
            absences += 1
            if absences >= 2:
                self.watched = False
            else:
                waited, limit = 0.0, CONFIRM
        return absences
