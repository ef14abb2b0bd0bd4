"""As what somebody is let in: the role of each token, on top of models/system/web_access.py."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from models.system.web_access import Access, is_loopback
from realtime.control.web.roles import Role


@dataclass(frozen=True)
class RoleAccess(Access):
    """The token of each role, and the role of whoever has none.

    Without a token, nobody gets in where `open_role` is None.
    """

    tokens: Mapping[Role, str]
    open_role: Role | None

    @property
    def base(self) -> str:
        """The address of the page, without a token."""
        return super().url

    @property
    def url(self) -> str:
        """What to open in a browser: the owner's link, or a kiosk's page."""
        return self.link(Role.OWNER if self.open_role is None else self.open_role)

    @property
    def reachable(self) -> bool:
        """Whether other machines reach the page."""
        return not is_loopback(self.host)

    @property
    def cookie(self) -> str:
        """The name of the cookie that holds the token."""
        return f"stylecam_{self.port}"

    @property
    def visitor_cookie(self) -> str:
        """The name of the cookie by which a browser is known again."""
        return f"stylecam_{self.port}_visitor"

    def link(self, role: Role) -> str:
        """What to open in a browser to be `role`."""
        query = "" if role is self.open_role else f"?token={self.tokens[role]}"
        return self.base + query

    def role_of(self, *given: str | None) -> Role | None:
        """The role of the first of `given` that is a token, compared in constant time.

        If none is, that of whoever has no token; None for nobody.
        """
        for token in given:
            for role, wanted in self.tokens.items():
                if secrets.compare_digest((token or "").encode(errors="replace"), wanted.encode()):
                    return role
        return self.open_role


def access_for(host: str, port: int, *, kiosk: bool = False) -> RoleAccess:
    """Access with new random tokens.

    On a loopback address, whoever has none is the owner; at a `kiosk`, a guest.
    """
    tokens = {role: secrets.token_urlsafe(16) for role in Role}
    open_role = Role.GUEST if kiosk else Role.OWNER
    return RoleAccess(host, port, tokens, open_role if is_loopback(host) else None)
