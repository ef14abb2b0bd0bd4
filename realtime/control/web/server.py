"""The control server: serves the page and its WebSocket, from its own thread.

It stands beside the sinks and works without them. A sink may give it pictures to show, as JPEG
bytes. A monitor gives it the figures of the run and the picture for a snapshot.
"""

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import TypeAlias

from aiohttp import WSCloseCode, WSMsgType, web

from models.errors import SinkFault, StylecamError, UsageError
from models.pictures import encode_picture
from realtime.control import protocol
from realtime.control.gallery import Gallery
from realtime.control.local.client import holder_of_port
from realtime.control.monitor import Monitor
from realtime.control.notices import Notice
from realtime.control.state import Settings, SettingsStore
from realtime.control.web.access import RoleAccess, access_for
from realtime.control.web.api import ROLE, Api, admit
from realtime.control.web.connections import ConnectionLimits, request_log
from realtime.control.web.prometheus import METRICS_TYPE, exposition
from realtime.control.web.roles import Role
from realtime.control.web.visitors import VISITOR, Visitors

Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]

DEFAULT_PORT = 8765
PORTS_TO_TRY = 20
THREAD = "control server"
PAGE = Path(__file__).parent / "page"
FILES = {
    "/": ("index.html", "text/html"),
    "/view": ("view.html", "text/html"),
    "/view.js": ("view.js", "text/javascript"),
    "/view.css": ("view.css", "text/css"),
    "/page.js": ("page.js", "text/javascript"),
    "/page.css": ("page.css", "text/css"),
    "/icon.svg": ("icon.svg", "image/svg+xml"),
}
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'self'; img-src 'self' blob:; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
PART = "stylecam-picture"
MOTION_JPEG = f"multipart/x-mixed-replace; boundary={PART}"
FRESH_PICTURE = 1.0
"""Seconds that a request for a snapshot waits for a new picture before it gets the last one."""
STATE_POLL = 0.1
"""Seconds after which a change of the settings by a key is noticed if no picture comes."""
SEND_BUFFER = 128 * 1024
"""Bytes that the system may buffer for a slow reader: more would hold outdated pictures."""


class _Client:
    """One connected client and what was last sent to it (compared by identity)."""

    def __init__(
        self,
        stream: web.WebSocketResponse,
        connection: asyncio.Transport | None,
        role: Role,
        visitor: str,
    ) -> None:
        self.stream = stream
        self.connection = connection
        self.role = role
        self.visitor = visitor
        self.saved_version = -1
        self.styles: tuple[str, ...] = ()
        self.wake = asyncio.Event()
        self.picture: bytes | None = None
        self.settings: Settings | None = None
        self.lost_for: int | None = None
        self.effort = ""
        self.refusal: str | None = None
        self.notice: Notice | None = None


class ControlServer:
    """Applies the requests of its clients to `box`, and tells each what has changed.

    If `host` is not a loopback address, `url` carries a token. `port` None takes the first free
    one from DEFAULT_PORT up. `titles` and `previews` (picture files) are by style name.

    Pages also get the newest picture if a sink gives any. A page that cannot keep up gets fewer
    pictures, each the newest; it delays no other page, and nothing is queued for it.

    A client is what its link says (roles.py). At a `kiosk`, whoever has none is a guest, whom
    `pin` makes the owner.
    """

    def __init__(
        self,
        box: SettingsStore,
        *,
        host: str,
        port: int | None = None,
        title: str = "stylecam",
        titles: Mapping[str, str] | None = None,
        previews: Mapping[str, Path] | None = None,
        gallery: Gallery | None = None,
        kiosk: bool = False,
        pin: str | None = None,
    ) -> None:
        self._box = box
        self._gallery = gallery or Gallery()
        self._visitors = Visitors()
        self._kiosk, self._pin = kiosk, pin
        self._status: Callable[[], dict[str, object]] = dict
        self._api = Api(
            box,
            self._gallery,
            access=self._granted,
            status=self._told_status,
            pin=pin,
        )
        self._host, self._port = host, port
        self._title = title
        self._titles = titles or {}
        self._previews = previews or {}
        self._monitor: Monitor | None = None
        self._asked_for_picture = 0
        self._newest: Callable[[], bytes | None] | None = None
        self._picture: bytes | None = None
        self._clients: set[_Client] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None
        self._thread: threading.Thread | None = None
        self._limits: ConnectionLimits | None = None
        self.access: RoleAccess | None = None

    @property
    def url(self) -> str | None:
        """What to open in a browser; None before `start`."""
        return self.access.url if self.access else None

    @property
    def links(self) -> dict[Role, str]:
        """The links that make whoever opens them something else than `url` does, by role."""
        if self.access is None or self.access.open_role is Role.OWNER:
            return {}
        return {role: link for role in Role if (link := self.access.link(role)) != self.url}

    @property
    def has_viewers(self) -> bool:
        """Whether a page is open or a snapshot is asked for; otherwise no picture is needed."""
        return bool(self._clients) or self._asked_for_picture > 0

    @property
    def has_picture(self) -> bool:
        """Whether a sink gives pictures to show."""
        return self._newest is not None

    def watch(self, monitor: Monitor, status: Callable[[], dict[str, object]] = dict) -> None:
        """Show the figures, the lost source and the snapshots of that run. Before `start`.

        `status` is the rest of what the owner may know of it.
        """
        self._monitor, self._status = monitor, status

    def start(self) -> None:
        """Listen. Raises UsageError for an unusable address or port."""
        listener = _listen(self._host, self._port)
        self.access = access_for(self._host, listener.getsockname()[1], kiosk=self._kiosk)
        ready = threading.Event()
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._serve(listener, ready)), name=THREAD, daemon=True
        )
        self._thread.start()
        if not ready.wait(timeout=10):
            raise StylecamError(f"the control server did not start at {self.access.url}")

    def attach(self, newest: Callable[[], bytes | None]) -> None:
        """Show pictures: `newest` makes one for a page that has just connected."""
        self._newest = newest

    def detach(self) -> None:
        """Show no more pictures than the last one."""
        self._newest = None

    def publish(self, jpeg: bytes) -> None:
        """Make `jpeg` the picture to show. May be called from any thread; returns at once."""
        self._picture = jpeg
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop has just ended
                self._loop.call_soon_threadsafe(self._wake)

    def stop(self) -> None:
        """Close all connections and free the port, within 2 s whatever the clients do."""
        if self._thread is None:
            return
        if self._loop is not None and self._stopping is not None:
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(timeout=2)
        self._thread = None

    def _wake(self) -> None:
        for client in self._clients:
            client.wake.set()

    async def _serve(self, listener: socket.socket, ready: threading.Event) -> None:
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        app = web.Application(middlewares=[self._guard])
        app.on_response_prepare.append(_add_headers)
        for path in FILES:
            app.router.add_get(path, self._file)
        app.router.add_get("/preview/{style}", self._preview)
        app.router.add_get("/ws", self._stream)
        self._api.add_to(app.router)
        app.router.add_get("/metrics", self._metrics)
        app.router.add_get("/snapshot.jpg", self._snapshot)
        app.router.add_get("/stream.mjpg", self._motion_jpeg)
        runner = web.AppRunner(app, access_log=None, logger=request_log(), shutdown_timeout=0.2)
        await runner.setup()
        assert runner.server is not None
        self._limits = ConnectionLimits(runner.server)
        listening = None
        try:
            listening = await self._loop.create_server(self._limits, sock=listener)
            ready.set()
            await self._stopping.wait()
            await self._dismiss()
        finally:
            if listening is not None:
                listening.close()
            await runner.cleanup()
            await self._limits.abort_all()

    async def _dismiss(self) -> None:
        """Close every stream, then abort the connections, so that a stalled reader cannot block."""
        clients = list(self._clients)
        goodbyes = [client.stream.close(code=WSCloseCode.GOING_AWAY) for client in clients]
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.gather(*goodbyes, return_exceptions=True), 0.5)
        for client in clients:
            if client.connection is not None:
                client.connection.abort()

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        assert self._limits is not None
        with self._limits.busy(request.transport):
            return await self._answer(request, handler)

    async def _answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Reject what Access does not allow; a browser that sent the token gets it as a cookie."""
        assert self.access is not None
        host, token = request.headers.get("Host"), request.query.get("token")
        if not self.access.host_allowed(host):
            raise web.HTTPForbidden(text="open the address that stylecam printed\n")
        if not self.access.origin_allowed(
            request.headers.get("Origin"),
            host,
            forwarded_host=request.headers.get("X-Forwarded-Host"),
            forwarded_scheme=request.headers.get("X-Forwarded-Proto"),
        ):
            raise web.HTTPForbidden(text="requests from other sites are not allowed\n")
        role = self.access.role_of(token, request.cookies.get(self.access.cookie))
        if role is not None:
            request[ROLE] = role
            self._visitors.identify(request, self.access.visitor_cookie, role)
        elif not self._opened_by_key(request):
            raise web.HTTPForbidden(text="open the address that stylecam printed, with its token\n")
        response = await handler(request)
        by_link = role is not None and token == self.access.tokens[role]
        if role is not None and by_link and not response.prepared:
            admit(response, self.access, role)
        if role is not None:
            self._visitors.admit(request, response, self.access.visitor_cookie, role)
        return response

    def _told_status(self) -> dict[str, object]:
        return self._status()

    def _granted(self) -> RoleAccess:
        assert self.access is not None
        return self.access

    def _opened_by_key(self, request: web.Request) -> bool:
        """Whether it is for a saved file, by whoever scanned its QR code."""
        number = request.match_info.get("number", "")
        saved = request.method == "GET" and request.path == f"/saved/{number}"
        return saved and self._gallery.opens(int(number), request.query.get("key"))

    async def _file(self, request: web.Request) -> web.Response:
        name, content_type = FILES[request.path]
        body = (PAGE / name).read_bytes()
        return web.Response(body=body, content_type=content_type, charset="utf-8")

    async def _preview(self, request: web.Request) -> web.Response:
        path = self._previews.get(request.match_info["style"])
        if path is None or not path.is_file():
            raise web.HTTPNotFound
        return web.Response(body=path.read_bytes(), content_type="image/jpeg")

    async def _metrics(self, request: web.Request) -> web.Response:
        if request[ROLE] is not Role.OWNER:
            raise web.HTTPForbidden(text="the figures are for the owner's link\n")
        if self._monitor is None:
            raise web.HTTPNotFound
        text = exposition(self._monitor, self._box.current)
        return web.Response(text=text, headers={"Content-Type": METRICS_TYPE})

    async def _snapshot(self, request: web.Request) -> web.Response:
        """The newest picture. A source that rests is woken first."""
        if self._monitor is None:
            raise web.HTTPNotFound
        before, deadline = self._newest_index(), time.monotonic() + FRESH_PICTURE
        self._asked_for_picture += 1
        try:
            while self._newest_index() == before and time.monotonic() < deadline:
                await asyncio.sleep(0.02)
        finally:
            self._asked_for_picture -= 1
        picture = self._monitor.picture()
        if picture is None:
            raise web.HTTPServiceUnavailable(text="there is no picture yet\n")
        jpeg = await asyncio.to_thread(encode_picture, picture.rgb, ".jpg", error=SinkFault)
        return web.Response(body=jpeg, content_type="image/jpeg")

    async def _motion_jpeg(self, request: web.Request) -> web.StreamResponse:
        """The pictures as Motion JPEG, for players; a slow reader skips some."""
        if not self.has_picture:
            raise web.HTTPNotFound(text="this run shows no picture here: use `--sink web`\n")
        response = web.StreamResponse(headers={**HEADERS, "Content-Type": MOTION_JPEG})
        await response.prepare(request)
        connection = request.get_extra_info("socket")
        if connection is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        self._asked_for_picture += 1
        try:
            await self._refresh_picture()
            sent = None
            while request.transport is not None:  # else the player has gone
                picture = self._picture
                if picture is not None and picture is not sent:
                    sent = picture
                    head = f"Content-Type: image/jpeg\r\nContent-Length: {len(picture)}\r\n\r\n"
                    await response.write(f"--{PART}\r\n{head}".encode() + picture + b"\r\n")
                await asyncio.sleep(0.02)
        except ConnectionError:
            pass
        finally:
            self._asked_for_picture -= 1
        return response

    def _newest_index(self) -> int | None:
        picture = self._monitor.picture() if self._monitor is not None else None
        return None if picture is None else picture.index

    async def _stream(self, request: web.Request) -> web.WebSocketResponse:
        stream = web.WebSocketResponse(
            max_msg_size=protocol.LARGEST,
            heartbeat=20,
            compress=False,  # JPEG is compressed already
        )
        await stream.prepare(request)
        connection = stream.get_extra_info("socket")
        if connection is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        client = _Client(stream, request.transport, request[ROLE], request[VISITOR])
        if self._monitor is not None:  # what went wrong before is no news
            client.notice = self._monitor.notice
        feeding = asyncio.create_task(self._feed(client))
        self._clients.add(client)
        try:
            async for message in stream:
                if message.type == WSMsgType.TEXT:
                    self._handle_message(client, message.data)
        finally:
            self._clients.discard(client)
            feeding.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await feeding
        return stream

    def _handle_message(self, client: _Client, message: str) -> None:
        try:
            verb = protocol.parse(message, client.role)
            self._box.apply(self._gallery.asked_by(client.visitor, verb))
        except StylecamError as error:
            client.refusal = protocol.error_message(error)
        self._wake()

    async def _feed(self, client: _Client) -> None:
        """Send updates until the client disconnects; a slow reader delays only this task."""
        with contextlib.suppress(ConnectionError):
            await self._greet(client, self._box.current)
            if self._picture is None or len(self._clients) == 1:  # may be old: nobody watched
                await self._refresh_picture()
            while True:
                await self._send_updates(client)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(client.wake.wait(), STATE_POLL)
                client.wake.clear()

    async def _greet(self, client: _Client, settings: Settings) -> None:
        client.styles = settings.styles
        greeting = protocol.hello(
            self._title,
            settings,
            self._titles,
            set(self._previews),
            picture=self.has_picture,
            role=client.role,
            kiosk=self._kiosk,
            unlock=self._pin is not None,
        )
        await client.stream.send_str(greeting)

    def _lost_for(self) -> int | None:
        """Whole seconds for which the source has been lost; None if it is not."""
        lost_for = self._monitor.lost_for if self._monitor is not None else None
        return None if lost_for is None else int(lost_for)

    async def _refresh_picture(self) -> None:
        if self._newest is None:
            return
        before = self._picture
        newest = await asyncio.to_thread(self._newest)
        if self._picture is before:  # otherwise a newer one was published meanwhile
            self._picture = newest

    async def _send_updates(self, client: _Client) -> None:
        refusal, client.refusal = client.refusal, None
        if refusal is not None:
            await client.stream.send_str(refusal)
        if client.settings is not self._box.current:
            client.settings = self._box.current
            if client.styles != client.settings.styles:
                await self._greet(client, client.settings)
            await client.stream.send_str(protocol.state(client.settings, client.role))
        if client.saved_version != self._gallery.version:
            client.saved_version = self._gallery.version
            if (listing := self._api.listing(client.role, client.visitor)) is not None:
                await client.stream.send_str(listing)
        notice = self._monitor.notice if self._monitor is not None else None
        if client.notice != notice and notice is not None:
            client.notice = notice
            if client.role is Role.OWNER:  # it may name files and devices
                await client.stream.send_str(protocol.error_message(notice.text))
        lost_for = self._lost_for()
        if client.lost_for != lost_for:
            client.lost_for = lost_for
            await client.stream.send_str(protocol.source_message(lost_for))
        effort = self._monitor.effort.words() if self._monitor is not None else ""
        if client.effort != effort and client.role is Role.OWNER:
            client.effort = effort
            await client.stream.send_str(protocol.effort_message(effort))
        if client.picture is not self._picture and self._picture is not None:
            client.picture = self._picture
            await client.stream.send_bytes(client.picture)


async def _add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """The same headers on everything, errors included."""
    response.headers.update(HEADERS)


def _listen(host: str, port: int | None) -> socket.socket:
    if port is not None and not 0 <= port <= 65535:
        raise UsageError(f"web: port {port} is out of range; choose one from 1 to 65535")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    both_kinds = socket.has_dualstack_ipv6()
    wanted = [port] if port is not None else range(DEFAULT_PORT, DEFAULT_PORT + PORTS_TO_TRY)
    for number in wanted:
        try:
            return socket.create_server(
                (host, number), family=family, dualstack_ipv6=host == "::" and both_kinds
            )
        except OSError as error:
            reason = error.strerror or str(error)
    if port is None:
        raise UsageError(
            f"web: no free port from {DEFAULT_PORT} to {DEFAULT_PORT + PORTS_TO_TRY - 1} "
            f"on {host} ({reason}); choose one: `--sink web:PORT`"
        )
    if holder := holder_of_port(port):
        reason = f"held by {holder}"
    raise UsageError(
        f"web: cannot listen on {host} port {port} ({reason}); "
        "choose another port, or leave it out to take a free one"
    )
