"""A page in the browser that shows a picture as it forms, with its losses plotted.

Served on this machine only, on a thread of its own. Knows no painter: it is told rows and pictures.
"""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from models.errors import UsageError
from models.system.web_access import Access

HOST = "127.0.0.1"
PAGE = Path(__file__).parent / "page"
FILES = {
    "/": ("live.html", "text/html; charset=utf-8"),
    "/live.js": ("live.js", "text/javascript; charset=utf-8"),
    "/live.css": ("live.css", "text/css; charset=utf-8"),
}
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'self'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
WATCHED = 5.0
"""Seconds after a page's last request for which it counts as open."""
LAST_LOOK = 2.5
"""Seconds that an open page gets to see the end: it asks every second."""


class LivePage:
    """A context manager that serves the page. `tell` and `show` may be called from any thread.

    `port` 0 takes a free one. Raises UsageError for a port that cannot be had.
    """

    def __init__(self, title: str, port: int) -> None:
        self._title, self._rows = title, list[dict[str, Any]]()
        self._picture, self._number, self._finished = b"", 0, False
        self._lock, self._asked = threading.Lock(), float("-inf")
        self._saw_end = threading.Event()
        try:
            self._server = ThreadingHTTPServer((HOST, port), _handler(self))
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise UsageError(
                f"--web: cannot listen on port {port} ({reason}); "
                "without a number it takes a free one"
            ) from None
        self._server.daemon_threads = True
        self.access = Access(HOST, self._server.server_address[1])

    def __enter__(self) -> "LivePage":
        # Polled often, so that closing does not wait half a second.
        threading.Thread(
            target=self._server.serve_forever, args=(0.05,), name="live page", daemon=True
        ).start()
        return self

    def __exit__(self, *_: object) -> None:
        """An open page sees the end first."""
        with self._lock:
            self._finished = True
        if self.watched:
            self._saw_end.wait(LAST_LOOK)
        self._server.shutdown()
        self._server.server_close()

    @property
    def watched(self) -> bool:
        """Whether a page is open; otherwise no picture is needed."""
        return time.monotonic() - self._asked < WATCHED

    def tell(self, row: dict[str, Any]) -> None:
        """Add the progress of one iteration: iteration, iterations, losses, size, work, left."""
        with self._lock:
            self._rows.append(row)

    def show(self, jpeg: bytes) -> None:
        """Make `jpeg` the picture of now."""
        with self._lock:
            self._picture, self._number = jpeg, self._number + 1

    def reply(self, path: str, query: dict[str, list[str]]) -> tuple[bytes, str] | None:
        """Body and content type of a path; None if there is nothing."""
        if path in FILES:
            name, kind = FILES[path]
            return (PAGE / name).read_bytes(), kind
        if path == "/progress.json":
            return self._progress(query.get("since", ["0"])[0]), "application/json"
        if path == "/picture.jpg" and self._picture:
            return self._picture, "image/jpeg"
        return None

    def _progress(self, since: str) -> bytes:
        self._asked = time.monotonic()
        with self._lock:
            first = min(int(since) if since.isdecimal() else 0, len(self._rows))
            told = {
                "title": self._title,
                "since": first,
                "rows": self._rows[first:],
                "picture": self._number,
                "finished": self._finished,
            }
        if told["finished"]:
            self._saw_end.set()
        return json.dumps(told).encode()


def _handler(page: LivePage) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            address = urlsplit(self.path)
            if not page.access.host_allowed(self.headers.get("Host")):
                self._send(403, b"open the address that stylecam printed\n", "text/plain")
            elif (found := page.reply(address.path, parse_qs(address.query))) is None:
                self._send(404, b"there is no such page\n", "text/plain")
            else:
                self._send(200, *found)

        def _send(self, status: int, body: bytes, kind: str) -> None:
            self.send_response(status)
            headers = HEADERS | {"Content-Type": kind, "Content-Length": str(len(body))}
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing: the terminal belongs to the progress bar."""

    return Handler
