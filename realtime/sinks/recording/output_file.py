"""The file that a recording is written into: locked against other runs, and watched."""

import os
import shutil
import time
from pathlib import Path

from models.errors import SinkFault, UsageError

try:
    import fcntl
except ImportError:  # Windows keeps others from removing or writing an open file by itself
    fcntl = None  # type: ignore[assignment]

LEAST_FREE = 100_000_000
"""Bytes: with less left on the disk, a recording ends while it can still be finished."""
CHECK_EVERY = 1.0
"""Seconds between two looks at whether the file is still in its place, with room on the disk."""


class OutputFile:
    """What PyAV writes to, as to any file object; `error` is the first that the system gave.

    It opens `path` and locks it, but leaves what is in it until `begin`. Raises UsageError if
    another run records there, or there is no room.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.name = str(path)
        self.error: OSError | None = None
        self._next_check = 0.0
        existed = path.exists()
        try:
            self._file = path.resolve().open("r+b" if existed else "x+b", buffering=0)
        except OSError as error:
            raise UsageError(f"{path}: cannot be written ({error.strerror})") from None
        self._empty_of_ours = not existed
        try:
            self._lock()
            if (free := self._free()) < LEAST_FREE:
                raise UsageError(f"{path}: only {free / 1e6:.0f} MB are left on the disk")
        except BaseException:
            self.close()
            raise

    def _lock(self) -> None:
        if fcntl is None:
            return
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._empty_of_ours = False
            raise UsageError(
                f"{self._path}: another run is recording into it; choose another name"
            ) from None
        except OSError:  # a file system without locks
            return

    def begin(self) -> None:
        """Discard what was in the file. Raises OSError."""
        self._file.truncate(0)
        self._empty_of_ours = False

    def check(self) -> None:
        """Raise SinkFault if the file was removed or replaced, or the disk is nearly full.

        It looks once in a while only.
        """
        if time.monotonic() < self._next_check:
            return
        self._next_check = time.monotonic() + CHECK_EVERY
        if not self.in_place:
            raise SinkFault(f"{self._path}: was removed or replaced while recording; it is lost")
        if (free := self._free()) < LEAST_FREE:
            raise SinkFault(
                f"{self._path}: recording ended, as only {free / 1e6:.0f} MB are left on the disk; "
                "what was recorded is complete"
            )

    @property
    def in_place(self) -> bool:
        """Whether the path still leads to this file."""
        try:
            return os.path.samestat(self._path.stat(), os.fstat(self._file.fileno()))
        except OSError:
            return False

    def _free(self) -> int:
        return shutil.disk_usage(self._path.resolve().parent).free

    def write(self, data: bytes) -> int:
        """Write all of `data`; a negative error number for FFmpeg if that fails."""
        left = memoryview(data)
        try:
            while left:
                left = left[self._file.write(left) :]
        except OSError as error:
            self.error = self.error or error
            # An exception would be raised by PyAV's next call, whichever that is, or by none.
            return -(error.errno or 1)
        return len(data)

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def close(self) -> None:
        """Unlock it. Nothing is left of a new file into which nothing was written."""
        if not self._file.closed:
            if self._empty_of_ours and self.in_place:
                self._path.resolve().unlink()
            self._file.close()
