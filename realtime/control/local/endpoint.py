"""Where a run can be reached, and how to find the running ones.

Each run has one file in the user's runtime folder: PID.sock, a UNIX socket with mode 0600, or on
Windows PID.json, which holds a loopback port and the token that its first line must be.
"""

import json
import os
import secrets
import socket
import sys
import warnings
from pathlib import Path
from typing import NamedTuple

import platformdirs

from models.errors import StylecamError
from models.system.atomic_file import replacing

HAS_UNIX_SOCKETS = sys.platform != "win32"
CONNECT_TIMEOUT = 2.0
BACKLOG = 64


class Endpoint(NamedTuple):
    """A listening socket, the file that leads to it, and the token it wants (None: no token)."""

    listener: socket.socket
    path: Path
    token: str | None

    def close(self) -> None:
        self.listener.close()
        self.path.unlink(missing_ok=True)


def runtime_path() -> Path:
    """Where the folder of the endpoints is, whether it exists or not."""
    with warnings.catch_warnings():  # of a runtime folder open to others: ours is private itself
        warnings.simplefilter("ignore")
        return platformdirs.user_runtime_path("stylecam")


def runtime_folder() -> Path:
    """The folder of the endpoints; created for this user only. Raises StylecamError."""
    folder = runtime_path()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if sys.platform != "win32":
            if folder.is_symlink() or folder.stat().st_uid != os.getuid():
                raise StylecamError(f"{folder}: belongs to another user; set XDG_RUNTIME_DIR")
            folder.chmod(0o700)
    except OSError as error:
        raise StylecamError(f"{folder}: cannot be used ({error.strerror})") from None
    return folder


def listen(*, unix: bool = HAS_UNIX_SOCKETS) -> Endpoint:
    """Listen at this process's endpoint. Raises StylecamError."""
    folder = runtime_folder()
    try:
        return _unix(folder) if unix else _loopback(folder)
    except OSError as error:
        raise StylecamError(f"{folder}: cannot listen here ({error})") from None


def _unix(folder: Path) -> Endpoint:
    path = folder / f"{os.getpid()}.sock"
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listener.bind(str(path))
        path.chmod(0o600)  # nobody can connect before `listen`
        listener.listen(BACKLOG)
    except BaseException:
        listener.close()
        raise
    return Endpoint(listener, path, None)


def _loopback(folder: Path) -> Endpoint:
    listener = socket.create_server(("127.0.0.1", 0), backlog=BACKLOG)
    token = secrets.token_urlsafe(16)
    path = folder / f"{os.getpid()}.json"
    with replacing(path) as partial:
        partial.touch(mode=0o600)
        partial.write_text(json.dumps({"port": listener.getsockname()[1], "token": token}))
    return Endpoint(listener, path, token)


def endpoint_files() -> list[Path]:
    """The files of all runs, those of runs that were killed included."""
    folder = runtime_path()
    return sorted(p for p in folder.glob("*.*") if p.suffix in (".sock", ".json"))


def connect(path: Path) -> socket.socket:
    """A connection to the run behind `path`; its token was sent. Raises OSError, ValueError."""
    if path.suffix == ".sock":
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(CONNECT_TIMEOUT)
        try:
            connection.connect(str(path))
        except BaseException:
            connection.close()
            raise
        return connection
    told = json.loads(path.read_text())
    connection = socket.create_connection(("127.0.0.1", int(told["port"])), CONNECT_TIMEOUT)
    connection.sendall(f"{told['token']}\n".encode())
    return connection
