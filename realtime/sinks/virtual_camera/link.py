"""What stylecam and a camera process say to each other: JSON messages through a UNIX socket."""

import json
import os
import socket
import struct
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

PROTOCOL = 1
"""Of the messages and of the shared memory: another number means another version of stylecam."""
SUFFIX = ".camera"
LONGEST = 1 << 16

Message = dict[str, Any]


class Link:
    """One end of a connection. Each message arrives whole, with the files that were sent along.

    Where a message needs files, they are file descriptors, and belong to who receives them.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection

    def fileno(self) -> int:
        return self._socket.fileno()

    def send(self, message: Message, files: Sequence[int] = ()) -> bool:
        """False if the other end is gone, or has not read for long."""
        try:
            text = json.dumps(message).encode()
            socket.send_fds(self._socket, [text], files, socket.MSG_DONTWAIT)
        except OSError:
            return False
        return True

    def receive(self, timeout: float | None = None) -> tuple[Message | None, list[int]]:
        """The next message; None if the other end is gone. Raises TimeoutError."""
        try:
            self._socket.settimeout(timeout)
            text, files, _, _ = socket.recv_fds(self._socket, LONGEST, 1)
        except TimeoutError:
            raise
        except OSError:
            return None, []
        return (json.loads(text) if text else None), files

    def peer(self) -> int:
        """The process that listens at the other end."""
        credentials = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
        return int(struct.unpack("3i", credentials)[0])

    def hang_up(self) -> None:
        """End the connection; a thread that waits for a message sees its end, and closes it."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._socket.close()


def pair() -> tuple[Link, socket.socket]:
    """A connection: our end, and the one for a child."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    return Link(ours), theirs


def listen(folder: Path) -> tuple[socket.socket, Path]:
    """Where the next stylecam finds this process. Raises OSError."""
    path = folder / f"{os.getpid()}{SUFFIX}"
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listener.bind(str(path))
    path.chmod(0o600)
    listener.listen()
    return listener, path


def running(folder: Path) -> list[Link]:
    """Connections to all camera processes of `folder`; what dead ones left there is removed."""
    links = []
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            connection.connect(str(path))
        except OSError:
            connection.close()
            path.unlink(missing_ok=True)
            continue
        links.append(Link(connection))
    return links
