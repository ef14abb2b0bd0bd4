"""A video that comes through a pipe: read once, or kept in a temporary file where it must be."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from models.errors import SourceFault

CHUNK = 1 << 20
LONGEST_BEGINNING = 1 << 20
"""Bytes that are read to find out what the pipe holds."""
MOST_OF_DISK = 0.5
"""The share of the free temporary space that a video from a pipe may take."""

BEFORE_THE_INDEX = frozenset({b"ftyp", b"wide", b"free", b"skip", b"pnot", b"uuid"})
"""Boxes of MP4 and MOV that say nothing yet of where the index is."""


class Pipe:
    """What FFmpeg reads from: the bytes in `begin`, then those of the descriptor `fd`, once.

    The descriptor is closed with the object: until then, another thread may wait in it.
    """

    def __init__(self, fd: int, begin: bytes = b"") -> None:
        self._fd, self._begin = fd, begin

    def read(self, size: int = CHUNK) -> bytes:
        """At most `size` bytes; none at the end."""
        if self._begin:
            found, self._begin = self._begin[:size], self._begin[size:]
            return found
        return os.read(self._fd, size)

    def push_back(self, data: bytes) -> None:
        """Let the next read begin with `data`."""
        self._begin = data + self._begin

    def __del__(self) -> None:
        os.close(self._fd)


def open_pipe(path: Path | None) -> Pipe:
    """The named pipe at `path`, or standard input. Waits for the sender. Raises SourceFault."""
    try:
        return Pipe(os.dup(0) if path is None else os.open(path, os.O_RDONLY))
    except OSError as error:
        name = "standard input" if path is None else path
        raise SourceFault(f"{name}: cannot be read ({error.strerror})") from None


def index_comes_last(pipe: Pipe) -> bool:
    """Whether the pipe holds an MP4 or MOV whose pictures come before their index.

    Such a file can only be read as a whole. What is read to find out is pushed back.
    """
    seen = b""
    try:
        while len(seen) < LONGEST_BEGINNING:
            header = _exactly(pipe, 8)
            seen += header
            size, kind = int.from_bytes(header[:4], "big"), header[4:]
            if kind == b"mdat":
                return True
            if kind not in BEFORE_THE_INDEX or size < 8:
                return False
            seen += _exactly(pipe, min(size - 8, LONGEST_BEGINNING))
        return False
    finally:
        pipe.push_back(seen)


def _exactly(pipe: Pipe, size: int) -> bytes:
    """`size` bytes, or fewer if the pipe ends before."""
    data = b""
    while len(data) < size and (more := pipe.read(size - len(data))):
        data += more
    return data


class KeptVideo:
    """All that came through a pipe, in a file without a name that vanishes with this object."""

    def __init__(self, pipe: Pipe, *, name: str) -> None:
        """Reads the pipe to its end.

        Raises SourceFault if it takes more than MOST_OF_DISK of the free temporary space.
        """
        folder = tempfile.gettempdir()
        room = shutil.disk_usage(folder).free * MOST_OF_DISK
        self._file = tempfile.TemporaryFile()  # noqa: SIM115  closed by `close`
        written = 0
        try:
            for data in _rest(pipe):
                written += len(data)
                if written > room:
                    raise SourceFault(
                        f"{name}: its index comes last, and {folder} has no room to keep it until "
                        "then; give the file itself instead of a pipe"
                    )
                self._file.write(data)
            self._file.seek(0)
        except OSError as error:
            self._file.close()
            raise SourceFault(f"{folder}: cannot be written to ({error.strerror})") from None
        except BaseException:
            self._file.close()
            raise

    def read(self, size: int) -> bytes:
        return self._file.read(size)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def close(self) -> None:
        self._file.close()


def _rest(pipe: Pipe) -> Iterator[bytes]:
    while data := pipe.read():
        yield data
