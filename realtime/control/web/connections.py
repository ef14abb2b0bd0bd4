"""Bounds on connections: how many at once, and for how long one may do nothing.

A stranger in the network needs no token to open connections; each takes a descriptor of the
process, which recordings and cameras need, too.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from models.system.web_access import is_loopback

MOST = 200
MOST_FROM_ONE = 24
"""Connections at once, in all and from one address. A browser opens about six for a page. On a
loopback address there may be a proxy for many; it counts only in all."""
REQUEST_TIME = 10.0
"""Seconds in which a request must have come, from the connection or the end of the last."""
STALL = 30.0
"""Seconds after which a client that reads nothing of what it is sent is disconnected."""


class _Connection(asyncio.Protocol):
    """Passes everything on to aiohttp's protocol, and disconnects who is over the bounds."""

    def __init__(self, limits: "ConnectionLimits", inner: asyncio.Protocol) -> None:
        self._limits, self._inner = limits, inner
        self._transport: asyncio.Transport | None = None
        self._expiry: asyncio.TimerHandle | None = None
        self._stall: asyncio.TimerHandle | None = None
        self.peer = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        name = transport.get_extra_info("peername")
        self.peer = str(name[0]) if name else ""
        if not self._limits.admit(self):
            self._transport.abort()
            return
        self._inner.connection_made(transport)
        self.expect_request()

    def connection_lost(self, error: Exception | None) -> None:
        self._cancel()
        if self._limits.release(self):
            self._inner.connection_lost(error)

    def data_received(self, data: bytes) -> None:
        if self._limits.knows(self):
            self._inner.data_received(data)

    def eof_received(self) -> bool | None:
        return self._inner.eof_received() if self._limits.knows(self) else None

    def pause_writing(self) -> None:
        self._inner.pause_writing()
        self._stall = asyncio.get_running_loop().call_later(STALL, self._abort)

    def resume_writing(self) -> None:
        if self._stall is not None:
            self._stall.cancel()
        self._inner.resume_writing()

    def expect_request(self) -> None:
        """Disconnect unless a request comes in time."""
        self._expiry = asyncio.get_running_loop().call_later(REQUEST_TIME, self._abort)

    def request_came(self) -> None:
        if self._expiry is not None:
            self._expiry.cancel()

    def _cancel(self) -> None:
        for timer in (self._expiry, self._stall):
            if timer is not None:
                timer.cancel()

    def _abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    @property
    def transport(self) -> asyncio.Transport | None:
        return self._transport


ROUNDS = 5
"""Turns of the loop in which an accepted connection becomes known, and an aborted one is closed."""


class ConnectionLimits:
    """Makes the protocols of aiohttp's `server`, within the bounds. In the event loop only."""

    def __init__(self, server: web.Server) -> None:
        self._server = server
        self._open: dict[asyncio.Transport | None, _Connection] = {}
        self._from: Counter[str] = Counter()

    def __call__(self) -> asyncio.Protocol:
        return _Connection(self, self._server())

    @contextmanager
    def busy(self, transport: asyncio.Transport | None) -> Iterator[None]:
        """While open, a request of that connection is answered, however long that takes."""
        connection = self._open.get(transport)
        if connection is not None:
            connection.request_came()
        try:
            yield
        finally:
            if connection is not None and self.knows(connection):
                connection.expect_request()

    def admit(self, connection: _Connection) -> bool:
        """Count a new connection; False if there is no room for it."""
        peer = connection.peer
        if len(self._open) >= MOST:
            return False
        if self._from[peer] >= MOST_FROM_ONE and not is_loopback(peer):
            return False
        self._open[connection.transport] = connection
        self._from[peer] += 1
        return True

    def knows(self, connection: _Connection) -> bool:
        return connection.transport in self._open

    async def abort_all(self) -> None:
        """Disconnect all that are open: a transport that waits for its client to read would
        outlive the loop, and so would one that was accepted just before the server closed."""
        for _ in range(ROUNDS):
            for transport in list(self._open):
                if transport is not None:
                    transport.abort()
            await asyncio.sleep(0)  # their protocols hear of it, and their sockets are closed

    def release(self, connection: _Connection) -> bool:
        """Forget a connection; False if it was never admitted."""
        if self._open.pop(connection.transport, None) is None:
            return False
        self._from[connection.peer] -= 1
        if not self._from[connection.peer]:
            del self._from[connection.peer]
        return True


class OneLine(logging.Filter):
    """Lets the server's errors through as one line each, and nothing about malformed requests."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, HttpProcessingError | ConnectionError):
            return False
        if error is not None:
            record.msg = f"{record.getMessage().splitlines()[0]}: {type(error).__name__}: {error}"
            record.args = record.exc_info = record.exc_text = None
        return True


def request_log() -> logging.Logger:
    """The logger for aiohttp's server."""
    log = logging.getLogger("realtime.control.web.requests")
    if not any(isinstance(known, OneLine) for known in log.filters):
        log.addFilter(OneLine())
    return log
