"""What programs and the page ask for over HTTP: control, status, saved files, QR codes, unlock."""

import io
import json
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from aiohttp import web

from models.errors import StylecamError, UsageError
from realtime.control import protocol
from realtime.control.gallery import Gallery, Saved
from realtime.control.state import SettingsStore
from realtime.control.web.access import RoleAccess
from realtime.control.web.openapi import description
from realtime.control.web.roles import Role, permit
from realtime.control.web.visitors import VISITOR

ROLE = web.RequestKey("role", Role)
"""Of whoever sent a request. Only the handler of a saved file gets requests without one."""
PIN_TRIES, PIN_PERIOD = 5, 60.0
"""So many wrong PINs are allowed in so many seconds, of everybody together."""
TYPES = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".webp": "image/webp",
    ".mp4": "video/mp4",
    ".mov": "video/quicktime",
    ".webm": "video/webm",
    ".mkv": "video/x-matroska",
    ".avi": "video/x-msvideo",
}


class Api:
    """Handlers of one control server. `access` and `status` are asked at each request.

    `pin` is what unlocks a kiosk; None means that only the owner's link does.
    """

    def __init__(
        self,
        box: SettingsStore,
        gallery: Gallery,
        *,
        access: Callable[[], RoleAccess],
        status: Callable[[], dict[str, object]],
        pin: str | None,
    ) -> None:
        self._box, self._gallery, self._access, self._status = box, gallery, access, status
        self._pin = pin
        self._wrong: deque[float] = deque(maxlen=PIN_TRIES)

    def add_to(self, router: web.UrlDispatcher) -> None:
        router.add_get("/openapi.json", self._openapi)
        router.add_get("/status", self._tell_status)
        router.add_post("/control", self._control)
        router.add_post("/unlock", self._unlock)
        router.add_post("/lock", self._lock)
        router.add_get(r"/saved/{number:\d+}", self._saved)
        router.add_delete(r"/saved/{number:\d+}", self._delete)
        router.add_get(r"/qr/{number:\d+}.png", self._qr)

    def listing(self, role: Role, visitor: str) -> str | None:
        """The message about what was saved; guests see their own snapshots only, viewers nothing.

        `mine` marks what this visitor took.
        """
        if role is Role.VIEWER:
            return None
        entries = [e for e in self._gallery.entries() if _shown_to(role, visitor, e)]
        reachable, last = self._access().reachable, self._gallery.outcome("snapshot")
        told: dict[str, object] = {
            "entries": [
                {
                    "number": e.number,
                    "kind": e.kind,
                    "name": e.path.name,
                    "qr": reachable,
                    "mine": e.visitor == visitor,
                }
                for e in entries
            ],
            "recording_for": self._gallery.recording_for,
            "snapshot_problem": (
                last.problem if role is Role.OWNER or last.visitor == visitor else None
            ),
        }
        return json.dumps({"gallery": told})

    async def _openapi(self, request: web.Request) -> web.Response:
        return web.json_response(description(request[ROLE]))

    async def _tell_status(self, request: web.Request) -> web.Response:
        if request[ROLE] is not Role.OWNER:
            raise web.HTTPForbidden(text="the status is for the owner's link\n")
        state = protocol.state_fields(self._box.current)
        return web.json_response(self._status() | {"state": state})

    async def _control(self, request: web.Request) -> web.Response:
        """Apply one message of control/protocol.py, and answer with the state."""
        if request.content_type != "application/json":
            raise web.HTTPUnsupportedMediaType(text="send application/json\n")
        try:
            said = json.loads(await _body(request))
            permit(request[ROLE], said)
            verb = self._gallery.asked_by(request[VISITOR], protocol.verb_of(said))
            state = self._box.apply(verb)
        except (ValueError, RecursionError):
            return web.json_response({"error": "not valid JSON"}, status=400)
        except StylecamError as error:
            allowed = request[ROLE] is Role.OWNER
            return web.json_response({"error": str(error)}, status=400 if allowed else 403)
        return web.json_response({"state": protocol.state_fields(state, request[ROLE])})

    async def _unlock(self, request: web.Request) -> web.Response:
        """Make whoever knows the PIN the owner, in this browser."""
        now = time.monotonic()
        if len(self._wrong) == PIN_TRIES and now - self._wrong[0] < PIN_PERIOD:
            raise web.HTTPTooManyRequests(text="too many wrong PINs: wait a minute\n")
        try:
            given = json.loads(await _body(request))
        except (ValueError, RecursionError):
            given = None
        if self._pin is None or given != {"pin": self._pin}:
            self._wrong.append(now)
            raise web.HTTPForbidden(text="wrong PIN\n")
        response = web.json_response({"role": Role.OWNER})
        admit(response, self._access(), Role.OWNER)
        return response

    async def _lock(self, request: web.Request) -> web.Response:
        response = web.json_response({})
        response.del_cookie(self._access().cookie)
        return response

    async def _saved(self, request: web.Request) -> web.StreamResponse:
        saved = self._find(request)
        headers = {"Content-Type": TYPES.get(saved.path.suffix, "application/octet-stream")}
        if "download" in request.query:
            headers["Content-Disposition"] = f'attachment; filename="{saved.path.name}"'
        return web.FileResponse(saved.path, headers=headers)

    async def _delete(self, request: web.Request) -> web.Response:
        role, number = request[ROLE], int(request.match_info["number"])
        saved = self._gallery.find(number)
        its = saved is not None and _shown_to(role, request[VISITOR], saved)
        if role is not Role.OWNER and not its:  # the same for what does not exist
            raise web.HTTPForbidden(text="guests delete only the snapshots that they took\n")
        try:
            self._gallery.delete(number)
        except UsageError:
            raise web.HTTPNotFound from None
        except StylecamError as error:
            raise web.HTTPInternalServerError(text=f"{error}\n") from None
        return web.json_response({})

    async def _qr(self, request: web.Request) -> web.Response:
        """A QR code of the address at which a phone can fetch the file."""
        access, saved = self._access(), self._find(request)
        if not access.reachable:
            raise web.HTTPNotFound(text="only this machine reaches the page: use --host\n")
        import segno

        out = io.BytesIO()
        address = f"{access.base}saved/{saved.number}?key={saved.key}"
        segno.make(address, micro=False).save(out, kind="png", scale=6, border=2)
        return web.Response(body=out.getvalue(), content_type="image/png")

    def _find(self, request: web.Request) -> Saved:
        saved = self._gallery.find(int(request.match_info["number"]))
        keyed = saved is not None and self._gallery.opens(saved.number, request.query.get("key"))
        shown = saved is not None and _shown_to(request.get(ROLE), request.get(VISITOR), saved)
        if saved is None or not (keyed or shown):
            raise web.HTTPNotFound
        return saved


def admit(response: web.StreamResponse, access: RoleAccess, role: Role) -> None:
    """Give the browser the token of `role`, as a cookie."""
    response.set_cookie(access.cookie, access.tokens[role], httponly=True, samesite="Strict")


def _shown_to(role: Role | None, visitor: str | None, saved: Saved) -> bool:
    """Whether a visitor may see and delete a file: the owner every one, a guest its own."""
    own = visitor is not None and saved.visitor == visitor
    return role is Role.OWNER or (role is Role.GUEST and saved.kind == "snapshot" and own)


async def _body(request: web.Request) -> Any:
    """The body, if it is no longer than a message; raises ValueError otherwise."""
    body = await request.content.read(protocol.LARGEST + 1)
    if len(body) > protocol.LARGEST:
        raise ValueError
    return body
