"""Which browser a request comes from: a random cookie that only this server can have given."""

import hmac
import secrets

from aiohttp import web

from realtime.control.web.roles import Role

VISITOR = web.RequestKey("visitor", str)
"""What Visitors calls the browser that sent a request, as what it is let in: once a kiosk is
locked again, its guests are others than the owner who stood there."""
GIVEN_AT = ("/page.js", "/control")
"""The paths whose answers give the cookie. The page itself is not among them: a browser that comes
by a link of another site keeps a SameSite=Strict cookie back, and would lose it to a new one."""


class Visitors:
    """Tells browsers apart, without a list of them: a cookie is a random name and its signature."""

    def __init__(self) -> None:
        self._secret = secrets.token_bytes(16)

    def recognise(self, cookie: str | None) -> str | None:
        """The visitor whom the cookie was given to; None if this server never gave it."""
        name, _, signature = (cookie or "").partition(".")
        given = signature.encode(errors="replace")
        return name if hmac.compare_digest(given, self._sign(name).encode()) else None

    def identify(self, request: web.Request, cookie: str, role: Role) -> None:
        """Note in the request who sent it, by the cookie of that name; else it is a new visitor."""
        known = self.recognise(request.cookies.get(cookie))
        request[VISITOR] = f"{role} {known or secrets.token_urlsafe(16)}"

    def admit(
        self, request: web.Request, response: web.StreamResponse, cookie: str, role: Role
    ) -> None:
        """Give a new visitor the cookie. A viewer needs none."""
        new = self.recognise(request.cookies.get(cookie)) is None
        if new and role is not Role.VIEWER and request.path in GIVEN_AT and not response.prepared:
            _, name = request[VISITOR].split(" ")
            value = f"{name}.{self._sign(name)}"
            response.set_cookie(cookie, value, httponly=True, samesite="Strict")

    def _sign(self, name: str) -> str:
        return hmac.digest(self._secret, name.encode(errors="replace"), "sha256").hex()
