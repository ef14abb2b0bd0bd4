"""A reverse proxy that serves another server under a path, as nginx does by the docs."""

import socket
import threading
from contextlib import suppress


class SubpathProxy:
    """Passes what comes to `path`/... on to `upstream` (host:port) as /..., WebSockets included.

    `asked` are the paths that browsers asked for; `upgraded` says whether one was a WebSocket.
    """

    def __init__(self, upstream: str, path: str) -> None:
        host, port = upstream.split(":")
        self._upstream, self._path = (host, int(port)), path
        self.asked: list[str] = []
        self.upgraded = False
        self._server = socket.create_server(("127.0.0.1", 0))
        self.host = f"127.0.0.1:{self._server.getsockname()[1]}"
        self.url = f"http://{self.host}"
        self._open: list[socket.socket] = []

    def __enter__(self) -> "SubpathProxy":
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        for connection in (self._server, *self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._server.accept()
                self._open.append(client)
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with suppress(OSError):
            head, body = self._head(client)
            if head is None:
                return
            server = socket.create_connection(self._upstream)
            self._open.append(server)
            server.sendall(head + body)
            threading.Thread(target=_pump, args=(client, server), daemon=True).start()
            _pump(server, client)

    def _head(self, client: socket.socket) -> tuple[bytes | None, bytes]:
        """The header of a request as it is passed on, and what came behind it."""
        data = b""
        while b"\r\n\r\n" not in data:
            more = client.recv(65536)
            if not more:
                return None, b""
            data += more
        head, body = data.split(b"\r\n\r\n", 1)
        first, *lines = head.decode("latin-1").split("\r\n")
        method, path, version = first.split(" ")
        self.asked.append(path)
        fields = dict(line.split(": ", 1) for line in lines)
        if not path.startswith(f"{self._path}/"):
            client.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
            client.close()
            return None, b""
        if "upgrade" in fields.get("Connection", "").lower():
            self.upgraded = True
        else:
            fields["Connection"] = "close"  # one request a connection: bodies need no parsing
        fields |= {"Host": "{}:{}".format(*self._upstream), "X-Forwarded-Host": self.host}
        text = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        shorter = path.removeprefix(self._path)
        return f"{method} {shorter} {version}\r\n{text}\r\n".encode("latin-1"), body


def _pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
