"""The control socket: lets other programs of the same user steer a run, in JSON lines.

A request is a message of control/protocol.py, or {"get": "status"}. Each is answered with one
line: {"state": …} as it is after the request, {"status": …}, or {"error": …}. A snapshot is
answered once it is saved, a recording once it began or was finished, with its "path" beside the
state, or with the error.
"""

import asyncio
import contextlib
import hmac
import json
import threading
import time
from collections.abc import Callable

from models.errors import StylecamError, UsageError
from realtime.control import protocol
from realtime.control.gallery import Gallery, Kind, Outcome
from realtime.control.local.endpoint import HAS_UNIX_SOCKETS, Endpoint, listen
from realtime.control.state import Settings, SettingsStore

THREAD = "control socket"
MOST_CLIENTS = 32
KINDS: tuple[Kind, ...] = ("snapshot", "recording")
SAVE_TIMEOUT = 10.0
"""Seconds after which a request is answered although nothing was saved yet."""
SEND_TIMEOUT = 5.0
"""Seconds after which a client that does not read its answers is dropped."""


class ControlSocket:
    """Applies the requests of its clients to `box`; `status` tells the rest of the run's state.

    It has a thread of its own and never waits for a client: one that is slow, or sends a line
    longer than protocol.LARGEST bytes, is dropped. A run goes on without it: if the socket
    cannot be made, `on_message` gets a line.
    """

    def __init__(
        self,
        box: SettingsStore,
        *,
        status: Callable[[], dict[str, object]],
        gallery: Gallery | None = None,
        on_message: Callable[[str], None] = lambda _: None,
        unix: bool = HAS_UNIX_SOCKETS,
    ) -> None:
        self._box, self._status, self._on_message = box, status, on_message
        self._unix = unix
        self._gallery = gallery or Gallery()
        self._clients: set[asyncio.StreamWriter] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None
        self._thread: threading.Thread | None = None
        self._endpoint: Endpoint | None = None

    def start(self) -> None:
        """Listen; a failure is told, not raised."""
        try:
            self._endpoint = listen(unix=self._unix)
        except StylecamError as error:
            self._on_message(f"{error}; `stylecam ctl` cannot reach this run")
            return
        ready = threading.Event()
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._serve(ready)), name=THREAD, daemon=True
        )
        self._thread.start()
        ready.wait(timeout=10)

    def stop(self) -> None:
        """Drop all clients and remove the socket, within 2 s."""
        if self._loop is not None and self._stopping is not None:
            with contextlib.suppress(RuntimeError):  # the loop has just ended
                self._loop.call_soon_threadsafe(self._stopping.set)
        if self._thread is not None:
            self._thread.join(timeout=2)
            self._thread = None
        if self._endpoint is not None:
            self._endpoint.close()
            self._endpoint = None

    async def _serve(self, ready: threading.Event) -> None:
        assert self._endpoint is not None
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        listener = self._endpoint.listener
        begin = asyncio.start_unix_server if self._unix else asyncio.start_server
        server = await begin(self._attend, sock=listener, limit=protocol.LARGEST)
        ready.set()
        try:
            await self._stopping.wait()
        finally:
            server.close()
            for writer in list(self._clients):
                writer.transport.abort()
            await asyncio.sleep(0)  # lets the clients' tasks see that

    async def _attend(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._clients.add(writer)
        try:
            with contextlib.suppress(ConnectionError, TimeoutError):
                await self._converse(reader, writer)
        finally:
            self._clients.discard(writer)
            writer.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._clients) > MOST_CLIENTS:
            await _send(writer, protocol.error_message(UsageError("too many clients")))
            return
        if not await self._admitted(reader):
            await _send(writer, protocol.error_message(UsageError("wrong token")))
            return
        while True:
            try:
                line = await reader.readline()
            except ValueError:  # longer than the limit
                reason = f"a line may have {protocol.LARGEST} bytes at most"
                await _send(writer, protocol.error_message(UsageError(reason)))
                return
            if not line:
                return
            await _send(writer, await self._answer(line))

    async def _admitted(self, reader: asyncio.StreamReader) -> bool:
        token = self._endpoint.token if self._endpoint is not None else None
        if token is None:
            return True
        try:
            given = await asyncio.wait_for(reader.readline(), SEND_TIMEOUT)
        except ValueError:
            return False
        return hmac.compare_digest(given.strip(), token.encode())

    async def _answer(self, line: bytes) -> str:
        try:
            said = json.loads(line)
        except (ValueError, RecursionError):
            return protocol.error_message(UsageError("not valid JSON"))
        try:
            if said == {"get": "status"}:
                state = protocol.state_fields(self._box.current)
                return json.dumps({"status": self._status() | {"state": state}})
            verb, outcomes = protocol.verb_of(said), {k: self._gallery.outcome(k) for k in KINDS}
            before, after = self._box.current, self._box.apply(verb)
            answer: dict[str, object] = {"state": protocol.state_fields(after)}
            for kind in _saves(before, after):
                outcome = await self._saved(kind, outcomes[kind])
                if outcome is not None and outcome.problem is not None:
                    raise StylecamError(outcome.problem)
                if outcome is not None:
                    answer["path"] = str(outcome.path)
            return json.dumps(answer)
        except StylecamError as error:
            return protocol.error_message(error)

    async def _saved(self, kind: Kind, before: Outcome) -> Outcome | None:
        """How it went; None if that takes too long."""
        deadline = time.monotonic() + SAVE_TIMEOUT
        while (outcome := self._gallery.outcome(kind)).attempts == before.attempts:
            if time.monotonic() > deadline:
                return None
            await asyncio.sleep(0.02)
        return outcome


def _saves(before: Settings, after: Settings) -> list[Kind]:
    """What a change of the settings saves."""
    kinds: list[Kind] = ["snapshot"] if after.snapshots > before.snapshots else []
    return [*kinds, "recording"] if after.recording != before.recording else kinds


async def _send(writer: asyncio.StreamWriter, line: str) -> None:
    writer.write(line.encode() + b"\n")
    await asyncio.wait_for(writer.drain(), SEND_TIMEOUT)
