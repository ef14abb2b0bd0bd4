"""Who may open a page: checks of Host and Origin. Knows no web server.

A foreign site's page in the same browser must neither see the camera nor control it. It could
reach a local port by a domain name of its own that points to 127.0.0.1 (DNS rebinding, stopped by
the Host check) or by a WebSocket (stopped by the Origin check).
"""

import ipaddress
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Access:
    """The address that is served."""

    host: str
    port: int

    @property
    def url(self) -> str:
        """What to open in a browser."""
        host = _address_of_this_machine() if _is_wildcard(self.host) else self.host
        return f"http://{_bracketed(host)}:{self.port}/"

    def host_allowed(self, header: str | None) -> bool:
        """Whether the Host header names this server, port included."""
        try:
            named = urlsplit(f"//{header}")
            name, port = named.hostname or "", named.port or 80
        except ValueError:
            return False
        written = {f"{_bracketed(name)}:{port}"} | ({_bracketed(name)} if port == 80 else set())
        if header is None or header.lower() not in written or port != self.port:
            return False
        if is_loopback(self.host):
            return name in {"localhost", "127.0.0.1", "::1", self.host}
        # only names can be rebound, so any numeric address is allowed
        return _is_address(name) or name in _names_of_this_machine()

    def origin_allowed(
        self,
        origin: str | None,
        host: str | None,
        *,
        forwarded_host: str | None = None,
        forwarded_scheme: str | None = None,
    ) -> bool:
        """Whether a WebSocket comes from our own page, or from no page at all (a program).

        Behind a proxy our page has the scheme and the host that the proxy forwards
        (X-Forwarded-Proto, X-Forwarded-Host): another site's page cannot set these headers.
        """
        if origin is None or origin == f"http://{host}":
            return True
        scheme, _, name = origin.partition("://")
        if forwarded_host is not None:
            return scheme in ("http", "https") and name == forwarded_host
        return scheme == forwarded_scheme == "https" and name == host


def is_loopback(host: str) -> bool:
    """Whether only programs on this machine can reach that address."""
    return host == "localhost" or (_is_address(host) and ipaddress.ip_address(host).is_loopback)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _is_wildcard(host: str) -> bool:
    return not host or (_is_address(host) and ipaddress.ip_address(host).is_unspecified)


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _names_of_this_machine() -> set[str]:
    name = socket.gethostname().lower()
    return {"localhost", name, f"{name}.local"}


def _address_of_this_machine() -> str:
    """The address where others in the network reach us.

    The datagram socket is only connected to find it out; that sends nothing.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # an address reserved for documentation
            return str(probe.getsockname()[0])
        except OSError:
            return "127.0.0.1"
